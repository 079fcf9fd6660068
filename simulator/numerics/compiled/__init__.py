"""The compiled engine: many members of a model at once, each in a lane of a vector register, by machine code.

What integrates one trajectory through SciPy does not belong here. Needs llvmlite. Every operation is one that
IEEE 754 defines, and none is left to a compiler's choice, so that a trajectory's numbers depend neither on its
neighbours nor on the number of lanes.
"""
