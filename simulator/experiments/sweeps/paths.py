"""What the path of an axis says: what varies, whether it moves times, and in which arms it does anything."""

from __future__ import annotations

from ..scenario import Arm
from .designs import Axis


def split(path: str) -> tuple[str, str, str]:
    """Kind, name and key of what varies.

    >>> split("dose.first cycle.amount"), split("k_clear")
    (('dose', 'first cycle', 'amount'), ('parameter', 'k_clear', ''))
    """
    kind, _, rest = path.partition(".")
    if kind == "initial":
        return kind, rest, ""
    if kind in ("dose", "change") and rest:
        name, _, key = rest.rpartition(".")
        return kind, name, key
    return "parameter", path, ""


def moves_time(axis: Axis) -> bool:
    """Whether it decides when something happens, and not only how much."""
    kind, _, key = split(axis.path)
    return (kind == "dose" and key != "amount") or (kind == "change" and key == "at")


def reaches(path: str, arm: Arm) -> bool:
    """Whether something that varies does so in `arm`, which may set it itself or leave the dose out."""
    kind, name, _ = split(path)
    return path not in arm.own and (kind != "dose" or any(dose.name == name for dose in arm.doses))
