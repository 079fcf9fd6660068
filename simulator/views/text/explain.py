"""An explanation in words, from its computed fluxes alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import fill

from ...experiments.explanation.balance import REACTION, SPECIES, Balance
from ...experiments.explanation.contrast import Contrast, Difference
from ...experiments.explanation.explain import DOWN, JUMP, PEAK, TOP, TROUGH, UP, Explanation, PhaseBalance, Shift, Turn
from ...experiments.explanation.feedback import Loop
from ...experiments.explanation.phases import FALLS, LEVEL, WAVES
from ...experiments.timetable import SAME_TIME
from .explain_names import Phrasing, capital, listed, share
from .sweep_measures import number
from .timed_changes import windows

OFF = 1e-3  # of what is made or lost: an account with a larger error does not close, and says so
APART = 0.1  # of all: shares of two arms that differ by less are not told
_TURN = {PEAK: "It turns down", TROUGH: "It turns up", UP: "The rise begins", DOWN: "The fall begins"}
_TURN[TOP] = "Its highest top is"
_LOOP = {1: "amplifies", -1: "holds back", 0: "amplifies and holds back by turns"}
STRENGTH = "how much of a push comes back once all on the way have followed"
DELAY = "delay: at which the last curve best follows the first in this run"
WIDE = 110  # characters of a line
MOST = 3  # phases in which arms are compared
NONE = 5e-4  # of all: less is next to nothing


def sentences(explanation: Explanation) -> list[str]:
    """What happens and why, sentence by sentence: phases and turning points in order of time, then the other arm;
    and a caution where the account does not close."""
    words = Phrasing(explanation)
    found = list(_story(words))
    if explanation.against is not None:
        found += _contrast(words, explanation.against)
    return [*found, *([_closure(words)] if words.explanation.error > OFF else [])]


def _story(words: Phrasing) -> Iterator[str]:
    turns: dict[float, list[Turn]] = {}
    for turn in words.explanation.turns:
        turns.setdefault(turn.time, []).append(turn)
    yield _overview(words)
    yield from changes(words)
    for phase in words.explanation.phases:
        if phase.kind != LEVEL:
            yield _phase(words, phase)
        for time in sorted(turns):
            if phase.balance.start < time <= phase.balance.end:
                for turn in turns.pop(time):
                    yield from _turn(words, turn)


def changes(words: Phrasing) -> list[str]:
    """What the scenario changes, and when."""
    explanation = words.explanation
    found = windows(explanation.scenario, [explanation.arm])
    return [f"From {words.span(each.start, each.end)} the scenario changes {each.words}." for each in found]


def _closure(words: Phrasing) -> str:
    error = words.explanation.error
    if error <= OFF:
        return f"What is made less what is lost is what the curve does, to {number(max(error, 1e-15), 1)} of either."
    return (
        f"Caution: what is made less what is lost misses what the curve does by {share(error)} of either; "
        "a formula jumps at a level, and no rate holds that."
    )


def text(explanation: Explanation) -> str:
    """Everything for the terminal."""
    words = Phrasing(explanation)
    label = words.label(explanation.name)
    label = f"{capital(label)} ({explanation.name})" if label != explanation.name else label
    lines = [f"{label} in {explanation.scenario.id}, arm {explanation.arm.name}", *_folded(_story(words))]
    if explanation.against is not None:
        lines += ["", f"Against the arm {explanation.against.other}:"]
        lines += _folded(_contrast(words, explanation.against))
    for balance in explanation.at:
        lines += ["", *_table(words, balance)]
    lines += ["", fill(f"Feedback ({STRENGTH}; {DELAY}):", WIDE), *_folded(_loops(words))]
    return "\n".join([*lines, "", _closure(words)])


def _folded(found: Iterable[str], then: str = "  ") -> list[str]:
    folds = {"width": WIDE, "break_long_words": False, "break_on_hyphens": False}
    return [fill(line, initial_indent="  ", subsequent_indent=f"  {then}", **folds) for line in found]  # type: ignore[arg-type]


def _overview(words: Phrasing) -> str:
    flux = words.explanation.flux
    top, low = int(flux.values.argmax()), int(flux.values.argmin())
    first, last = float(flux.values[0]), float(flux.values[-1])
    text = f"It begins at {words.value(first)}"
    if 0 < top < len(flux.values) - 1:
        text += f", is highest at {words.time(float(flux.times[top]))} ({words.value(float(flux.values[top]))})"
    elif 0 < low < len(flux.values) - 1:
        text += f", is lowest at {words.time(float(flux.times[low]))} ({words.value(float(flux.values[low]))})"
    return f"{text} and ends at {words.value(last)} ({words.time(float(flux.times[-1]))})."


def _phase(words: Phrasing, phase: PhaseBalance) -> str:
    balance = phase.balance
    if phase.kind == WAVES:
        tops = f"{phase.tops} tops" if phase.tops > 1 else "one top"
        head = f"It goes up and down from {words.span(balance.start, balance.end)}, with {tops}, between "
        head += f"{words.value(phase.lowest)} and {words.value(phase.highest)}."
    else:
        head = f"It {phase.kind} from {words.value(balance.before)} at {words.time(balance.start)} "
        head += f"to {words.value(balance.after)} at {words.time(balance.end)}."
    sides = ("lost", "made") if phase.kind == FALLS else ("made", "lost")
    return f"{head} {_turnover(words, balance, *sides)}"


def _turnover(words: Phrasing, balance: Balance, first: str, second: str) -> str:
    """``Of what is lost, 62 % goes by ... and 20 % by ...; 31 % of it is made anew, by ...``"""
    told = [f"{share(part)} {'is' if i == 0 else ''} by {words.of(item)}".replace("  ", " ")
            for i, (item, part) in enumerate(words.parts(balance, first))]  # fmt: skip
    if not told:
        return f"Nothing {words.side(first)}."
    text = f"Of what {words.side(first)}, {listed(told)}"
    other, back = words.parts(balance, second), getattr(balance, second) / getattr(balance, first)
    again = words.again(second)
    if not other or back < NONE:
        return f"{text}; next to nothing of it is {again}."
    item, part = other[0]
    by = f"by {words.of(item)}" if part > 0.995 else f"{share(part)} of that by {words.of(item)}"
    return f"{text}; {share(back)} of it is {again}, {by}."


def _turn(words: Phrasing, turn: Turn) -> Iterator[str]:
    if turn.kind == JUMP:
        yield f"At {words.time(turn.time)} it jumps to {words.value(turn.value)}, by {_cause(words, turn)}."
    elif turn.shifts:
        level = f", and at the level of the turn ({words.value(turn.value)})" if words.is_species else ""
        head = f"{_TURN[turn.kind]} at {words.time(turn.time)}. "
        head += (
            f"Under the conditions of {words.time(turn.until)} in place of those of {words.time(turn.since)}{level}: "
        )
        yield head + "; ".join(_shift(words, shift, words.explanation.name) for shift in turn.shifts) + "."


def turn_line(words: Phrasing, turn: Turn) -> str:
    """A turning point in a line, with what did most to it."""
    if turn.kind == JUMP:
        return f"jumps at {words.time(turn.time)}, by {_cause(words, turn)}"
    (most, *_) = turn.shifts
    level = ", at this level" if words.is_species else ""
    moved = words.moved(most, most.after, most.before, words.explanation.name)
    head = f"{turn.kind}, {words.value(turn.value)} at {words.time(turn.time)}"
    return f"{head}: {moved}, under the conditions of {words.time(turn.until)} and of {words.time(turn.since)}{level}"


def _cause(words: Phrasing, turn: Turn) -> str:
    causes = []
    if turn.dosed:
        near = SAME_TIME * words.explanation.scenario.end
        given = [
            dose.name
            for dose in words.explanation.arm.doses
            if not dose.over
            and dose.target in words.reads
            and any(abs(dose.time(number) - turn.time) <= near for number in range(dose.count))
        ]
        causes.append(f"what is given ({', '.join(given)})")
    if turn.changed:
        causes.append("parameters that the scenario changes")
    return listed(causes)


def _shift(words: Phrasing, shift: Shift, name: str) -> str:
    """``"label" takes 42 pM per d instead of 26, as ...``"""
    text = words.moved(shift, shift.after, shift.before, name)
    if shift.share < 0.95:
        text += f" ({share(shift.share)} of what turned it)"
    if shift.drivers:
        text += f", as {listed([words.driver(driver) for driver in shift.drivers])}"
    for inner in shift.inner:
        text += f", where {_shift(words, inner, shift.id)}"
    return text


def _contrast(words: Phrasing, contrast: Contrast) -> Iterator[str]:
    whole, scenario = contrast.whole, words.explanation.scenario
    other = scenario.arm(contrast.other)
    called = contrast.other if other.title in ("as described", contrast.other) else f"{contrast.other} ({other.title})"
    text = f"In the arm {called} it goes from {words.value(whole.there.before)} to {words.value(whole.there.after)} "
    text += f"by {words.time(whole.end)}, here to {words.value(whole.here.after)}"
    here, there = (_lost_of_made(words, balance) for balance in (whole.here, whole.there))
    yield f"{text}; {here} here, {there} there." if here != there else f"{text}."
    told = [window for window in contrast.phases if window.differences]
    told = sorted(sorted(told, key=words.apart)[-MOST:], key=lambda window: window.start)
    if not told:
        yield "Nothing that makes it or takes from it differs by more than 2 % of all."
    for window in told:
        much = ", for the same amount" if words.is_species else ""
        yield (
            f"From {words.span(window.start, window.end)}{much}: "
            + "; ".join(_difference(words, each) for each in window.differences[:2])
            + "."
        )


def _difference(words: Phrasing, difference: Difference) -> str:
    text = words.moved(difference, difference.here, difference.there, words.explanation.name)
    for shares, side in ((difference.made, "made"), (difference.lost, "lost")):
        if abs(shares[0] - shares[1]) >= APART:
            text += f" ({share(shares[0])} of what {words.side(side)} instead of {share(shares[1])})"
    if difference.kind == SPECIES:
        (driver,) = difference.drivers
        return f"{text}, which {words.driver(driver).removeprefix(words.named(driver.name)).strip()}"
    if difference.drivers:
        text += f", as {listed([words.driver(driver) for driver in difference.drivers])}"
    return text


def _lost_of_made(words: Phrasing, balance: Balance) -> str:
    if not balance.made:
        return f"nothing {words.side('made')}"
    ratio = balance.lost / balance.made
    if ratio > 1.005:
        return f"{number(ratio)} times as much {words.side('lost')} as {words.side('made')}"
    return f"{share(ratio)} of what {words.side('made')} is {words.again('lost')}"


def _table(words: Phrasing, balance: Balance) -> list[str]:
    """The balance at one time, production above loss, in columns."""
    way = "rising" if balance.net > 0 else "falling"
    at_rest = abs(balance.net) <= NONE * max(balance.made, balance.lost)
    moves = "at rest" if at_rest else f"{way} by {words.rate(balance.net)}"
    lines = [f"At {words.time(balance.start)}: {words.value(balance.before)}, {moves}"]
    rows = []
    for side in ("made", "lost"):
        whole = getattr(balance, side)
        parts = sorted((part for part in balance.parts if getattr(part, side)), key=lambda part: -getattr(part, side))
        head = {"made": "plus", "lost": "minus"}[side]
        for i, part in enumerate(parts):
            size = getattr(part, side)
            called = part.label if part.kind in (REACTION, SPECIES) else words.of(part)
            rows.append((head if i == 0 else "", number(size / words.long), share(size / whole), part.id, called))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for side, size, much, id, called in rows:
        cells = f"{side:{widths[0]}}  {size:>{widths[1]}}  {much:>{widths[2]}}  {id:{widths[3]}}"
        lines.append(f"  {cells}  {called if called != id else ''}".rstrip())
    return lines


def _loops(words: Phrasing) -> list[str]:
    """A line for each loop."""
    loops = words.explanation.loops
    if not loops:
        return ["No feedback loop through it returned a hundredth of a push in this run."]
    return [loop_line(words, loop) for loop in loops]


def loop_line(words: Phrasing, loop: Loop) -> str:
    """``A → more B → less A: holds back; 28 % comes back, after 3.5 d``"""
    signs = {1: "→ more", -1: "→ less", 0: "→ more or less"}
    way = " ".join([loop.edges[0].cause, *(f"{signs[edge.sign]} {edge.effect}" for edge in loop.edges)])
    if loop.delay is None:
        when = "no clear delay"
    else:
        when = (
            f"after about {number(loop.delay * words.long, 2)} {words.clock}"
            if loop.delay > 0
            else "with no delay to be seen"
        )
    return f"{way}: {_LOOP[loop.sign]}; {share(loop.strength)} comes back, {when}"
