"""The outcome of a sweep: its members, what was computed, what failed and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ...numerics.trajectory import NOT_RELIABLE
from .certificate import SweepCertificate, not_certified
from .compute import SweepResult


class MemberFailure(NamedTuple):
    """A member that failed in an arm: its number, the arm, and why."""

    number: int
    arm: str
    message: str


@dataclass(frozen=True)
class SweepOutcome:
    """The members of a sweep, or of one shard of it, and how they were obtained.

    result: all members that are there. asked: how many there should be. computed: how many were computed now, in
    `seconds`; the others were stored before, or taken over where the sweep was merged from other folders.
    failures: failed runs by kind, counted once for each arm. first_failures: a few of them.
    damaged: blocks of the store that could not be read, and why. shard: its number, from 1, and of how many.
    certificate: how far some members that were computed twice agree.
    workers: how many computed, or the address of the Dask scheduler. folder: where it is stored; None if it is not.
    """

    result: SweepResult
    asked: int
    computed: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    failures: Mapping[str, int] = field(default_factory=dict)
    first_failures: tuple[MemberFailure, ...] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)
    shard: tuple[int, int] = (1, 1)
    merged: bool = False
    certificate: SweepCertificate = field(default_factory=lambda: not_certified("switched off"))
    workers: int | str = 1
    folder: Path | None = None

    @property
    def missing(self) -> int:
        """Members that are missing: the sweep was interrupted, or its parts are incomplete."""
        return self.asked - len(self.result.numbers)

    @property
    def failed(self) -> int:
        """Members that failed in at least one arm."""
        return int(self.result.failed.any(axis=1).sum())

    @property
    def refused(self) -> int:
        """Runs that failed, counted once for each arm, since a state rose again out of rounding."""
        return self.failures.get(NOT_RELIABLE, 0)

    @property
    def reliable(self) -> bool | None:
        """Whether no run was refused and every member that was computed twice has enough digits; None where none was
        refused and none computed twice."""
        return False if self.refused else self.certificate.reliable

    @property
    def ok(self) -> bool:
        """Whether no member is missing or failed."""
        return not self.failed and not self.missing


@dataclass(frozen=True)
class SweepEstimate:
    """The estimated cost of a sweep.

    members, stored: of this sweep or shard, and how many of them are stored in `folder` already. timed: members that
    were computed to measure the time, of which `failed` failed. seconds_each, bytes_each: of one member. seconds: of
    all that are missing, on all workers.
    """

    kind: str
    members: int
    stored: int
    failed: int
    timed: int
    seconds_each: float
    bytes_each: int
    seconds: float
    workers: int
    folder: Path

    @property
    def missing(self) -> int:
        """Members to compute."""
        return self.members - self.stored

    @property
    def bytes(self) -> int:
        """Their estimated size on disk."""
        return self.missing * self.bytes_each
