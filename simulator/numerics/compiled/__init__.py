"""Many trajectories in lock step, one to each lane of a vector: machine code made from a model.

Needs llvmlite. Every operation here is one that IEEE 754 defines, and none is left to a compiler's
choice, so that a trajectory's numbers depend neither on its neighbours nor on the number of lanes.
"""
