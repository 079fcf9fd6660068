"""The command line: arguments become a request, and its result becomes text and an exit code. Nothing is computed.

Each command is a file: its options (`arguments`), its examples, and `execute`. Exit codes: 0 done; 1 done, but a
simulation failed or an expectation was missed; 2 usage; 3 a file is wrong; 4 the solver failed; 5 an optional package
is missing; 130 interrupted.
"""

from .program import COMMANDS as COMMANDS
from .program import command_file as command_file
from .program import main as main
