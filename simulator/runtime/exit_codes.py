"""What a command ends with."""

from __future__ import annotations

DONE = 0
MISSED = 1
USAGE = 2
BAD_FILE = 3
SOLVER_FAILED = 4
NO_PACKAGE = 5
UNRELIABLE = 6
INTERRUPTED = 130
TERMINATED = 143

MEANINGS = {
    DONE: "done",
    MISSED: "done, but a simulation of several failed, or an expectation was missed that is not a known miss",
    USAGE: "the command line is wrong; nothing was done",
    BAD_FILE: "a file is wrong, or output cannot be written",
    SOLVER_FAILED: "the solver failed; the message says where and when",
    NO_PACKAGE: "an optional package is missing; the message names it",
    UNRELIABLE: "done, but numbers are shown that have fewer than three digits (`--accept-unreliable` allows them)",
    INTERRUPTED: "interrupted; the message says what was kept",
    TERMINATED: "the same, by SIGTERM",
}
PRECEDENCE = "Where several apply, 130 and 143 count before 4, 4 before 6, and 6 before 1."
