"""How much memory this process can still have."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

UNKNOWN = 4 * 2**30  # bytes, where the system does not say how much is free
_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that are free now: on Linux what the kernel calls available, within the limits of a container and of
    the process; elsewhere `UNKNOWN`."""
    found = [_meminfo(), _container(), _address_space()]
    return min([each for each in found if each is not None], default=UNKNOWN)


def _meminfo() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _container() -> int | None:
    with suppress(OSError, ValueError):  # "max" where there is no limit
        most = int((_CGROUP / "memory.max").read_text())
        return max(0, most - int((_CGROUP / "memory.current").read_text()))
    return None


def _address_space() -> int | None:
    with suppress(ImportError, OSError, ValueError, IndexError):
        import resource  # not on Windows

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most == resource.RLIM_INFINITY:
            return None
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        return max(0, most - used)
    return None
