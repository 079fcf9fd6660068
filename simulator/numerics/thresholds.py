"""How small is nothing: which values of a curve count as zero. It imports nothing, so that every room can ask it.

Other small numbers have other meanings and stay where they are used: the solver's tolerances, equal times, equal
numbers, divisions that must not be by zero.
"""

NEGLIGIBLE = 1e-6  # of the largest value: a smaller one counts as zero, on logarithmic axes and in comparisons
NOISE = 1e-9  # of the largest value: a smaller one is the solver's error, and is not written as a number
