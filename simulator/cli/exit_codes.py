"""What a command ends with."""

DONE = 0
MISSED = 1  # done, but a simulation failed or an expectation was missed
USAGE = 2
BAD_FILE = 3
SOLVER_FAILED = 4
NO_PACKAGE = 5
INTERRUPTED = 130
