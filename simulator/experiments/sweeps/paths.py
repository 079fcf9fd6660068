"""The path of an axis, such as ``dose.push.amount``: what varies, whether it changes times, and in which arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..scenario import Arm

if TYPE_CHECKING:
    from .designs import Axis  # what few scenarios have is loaded with them: `check` starts fast


def split_path(path: str) -> tuple[str, str, str]:
    """Kind (parameter, initial, dose or change), name and key of what varies.

    >>> split_path("dose.first cycle.amount"), split_path("k_clear")
    (('dose', 'first cycle', 'amount'), ('parameter', 'k_clear', ''))
    """
    kind, _, rest = path.partition(".")
    if kind == "initial":
        return kind, rest, ""
    if kind in ("dose", "change") and rest:
        name, _, key = rest.rpartition(".")
        return kind, name, key
    return "parameter", path, ""


def changes_timing(axis: Axis) -> bool:
    """Whether the axis varies when something happens, and not only how much."""
    kind, _, key = split_path(axis.path)
    return (kind == "dose" and key not in ("amount", "share")) or (kind == "change" and key == "at")


def moves_times(axis: Axis, arm: Arm) -> bool:
    """Whether something happens in `arm` at times that depend on the axis: also the amount of a dose that is infused
    at a rate, or a parameter that is the length of one."""
    kind, name, key = split_path(axis.path)
    if changes_timing(axis) or kind == "parameter":
        return changes_timing(axis) or any(name in dose.timed_by for dose in arm.doses)
    return kind == "dose" and key == "amount" and any(dose.name == name and dose.rate for dose in arm.doses)


def varies_in(path: str, arm: Arm) -> bool:
    """Whether what the path names varies in `arm`: not if the arm sets it itself or leaves the dose out."""
    kind, name, _ = split_path(path)
    return path not in arm.own and (kind != "dose" or any(dose.name == name for dose in arm.doses))
