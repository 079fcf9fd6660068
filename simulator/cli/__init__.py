"""The command line: words become one call, and the call an exit code.

0 done; 1 done, but a simulation failed or an expectation was missed; 2 usage; 3 a file is
wrong; 4 the solver failed; 5 an optional package is missing; 130 interrupted.

Each command is a file of this room: what it takes (`arguments`), what it does (`execute`), and examples.
"""

from .program import COMMANDS as COMMANDS
from .program import command_file as command_file
from .program import main as main
