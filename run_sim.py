"""The script of the checkout: loads the folder simulator/ as the package `immunesim` and runs its command line."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # whoever runs it with an older one is told so
    sys.exit("immunesim needs Python 3.11 or newer; this is Python %d.%d.%d" % sys.version_info[:3])  # noqa: UP031

from importlib import util
from pathlib import Path


def load() -> None:
    """Imports the folder beside this file as `immunesim`, whatever else is installed under that name.

    It runs on import, not only as a script: worker processes import this file to find the package.
    """
    folder = Path(__file__).resolve().parent / "simulator"
    spec = util.spec_from_file_location("immunesim", folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    package = util.module_from_spec(spec)
    sys.modules["immunesim"] = package
    spec.loader.exec_module(package)


if "immunesim" not in sys.modules:
    load()

if __name__ == "__main__":
    from immunesim.cli import main

    raise SystemExit(main())
