"""How far the numbers of an arm can be trusted, in words; those that cannot be are said first.

The word "certified" stands only beside enough digits.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...experiments.certificate import Certificate, rounded_down
from ...experiments.run import RunResult
from .numbers import with_unit

WARNING = "NOT RELIABLE"  # how a line begins that says so


def digits_text(certificate: Certificate, time_unit: str) -> str:
    """The digits of an arm, the curve and the state that have the fewest, and by what they were found."""
    if certificate.digits is None:
        return f"digits not certified ({certificate.reason})"
    if not certificate.is_reliable:
        return f"{WARNING}: {_too_few(certificate, time_unit)}"
    found = f"{rounded_down(certificate.digits)} digits certified by {certificate.solver}"
    notes = "; ".join(filter(None, (fewest_text(certificate, time_unit), certificate.reason)))
    return f"{found} ({notes})" if notes else found


def unreliable_lines(results: Sequence[RunResult], named: bool = False) -> list[str]:
    """A line for each arm whose digits are too few to be relied on; with its scenario if `named` or of several runs."""
    lines = []
    for result in results:
        of = f" of {result.scenario.id}" if named or len(results) > 1 else ""
        for name in result.unreliable:
            certificate = result.arms[name].certificate
            lines.append(unreliable_line(f"{name}{of}", certificate, result.scenario.model.time_unit_text))
    return list(dict.fromkeys(lines))


def failed_lines(result: RunResult, named: bool = False) -> list[str]:
    """A line for each arm that did not reach its end, with when and why; with its scenario if `named`."""
    of = f" of {result.scenario.id}" if named else ""
    outcomes = {name: arm.trajectory.outcome for name, arm in result.arms.items()}
    return [f"arm {name}{of}: FAILED, {outcome.message}" for name, outcome in outcomes.items() if not outcome.ok]


def unreliable_line(arm: str, certificate: Certificate, time_unit: str) -> str:
    """That the digits of an arm are too few to be relied on, and why."""
    return f"{WARNING}: arm {arm}: {_too_few(certificate, time_unit)}"


def first(warnings: Sequence[str], text: str) -> str:
    """`text` with `warnings` above it."""
    return "\n".join([*warnings, "", text]) if warnings else text


def fewest_text(certificate: Certificate, time_unit: str) -> str:
    """The curve with the fewest digits, and when, and the state that has fewer still; '' where all agree."""
    if certificate.curve is None or certificate.time is None:
        return ""
    curve = f"the fewest in {certificate.curve} at {with_unit(certificate.time, time_unit)}"
    if certificate.state is None or certificate.state_digits is None:
        return curve
    return f"{curve}; worst state {certificate.state}, {rounded_down(certificate.state_digits)} digits"


def _too_few(certificate: Certificate, time_unit: str) -> str:
    """Why an arm is not reliable, with the curve and the state that have the fewest digits."""
    if certificate.digits is None or certificate.curve is None:
        return certificate.reason
    agree = f"{rounded_down(certificate.digits)} digits agree"
    return "; ".join(filter(None, (certificate.reason, agree, fewest_text(certificate, time_unit))))
