"""An explanation in words, from its computed balances alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import fill

from ...experiments.curves import peak
from ...experiments.explanation.arm_comparison import ArmComparison, RateDifference
from ...experiments.explanation.balance import ROUNDING, Balance, ContributorKind
from ...experiments.explanation.explain import Explanation, PhaseBalance, RateChange, TurningPoint, TurnKind
from ...experiments.explanation.feedback import ActiveLoop
from ...experiments.explanation.phases import PhaseKind
from ...model.causal.sign import Sign
from .causal_graph import FEEDBACK, chain_in_words
from .curve import describe_curve
from .english import capital, listed
from .explain_format import GAIN, LOSS, ExplanationFormat
from .numbers import number, percent
from .timed_changes import windows
from .undefined import undefined_line

OFF = 1e-3  # relative error of a balance: a larger one is reported
APART = 0.1  # of all gain or loss: shares of two arms that differ by less are not reported
WIDE = 110  # characters of a line
MOST = 3  # phases in which arms are compared
SMALL = 0.05  # of the largest divergence of the arms in a phase: phases with less are not told
NONE = 5e-4  # of all gain or loss: less is written as almost none
NEARLY_ALL = 0.995  # of all gain or loss
TURNOVER = "What is made and lost in equal parts at rest moves nothing: more and less are told against that turnover."
STRENGTH = "percentages: once all species of the loop have followed"
DELAY = "delay: at which the curve of the last species best follows that of the first in this run"
_INSIDE = (TurnKind.HIGHEST_PEAK,)  # not between two phases
_TURN = {
    TurnKind.PEAK: "It peaks",
    TurnKind.TROUGH: "It reaches a low",
    TurnKind.ONSET_OF_RISE: "It begins to rise",
    TurnKind.ONSET_OF_FALL: "It begins to fall",
    TurnKind.HIGHEST_PEAK: "Its highest peak is",
}
_EFFECT = {
    Sign.RAISES: "adds {} to a disturbance",
    Sign.LOWERS: "cancels {} of a disturbance",
    Sign.EITHER: "feeds back {} of a disturbance",
}


def sentences(explanation: Explanation, names: bool = True) -> list[str]:
    """What happens and why: phases and turning points in order of time, then the comparison with the other arm, then
    a caution if the balance has an error; with the `names` of the model beside its labels, or without."""
    form = ExplanationFormat(explanation, names)
    found = list(_story(form))
    if explanation.against is not None:
        found += _comparison(form, explanation.against)
    return [*found, *([_closure(form)] if explanation.error > OFF else [])]


def feedback_lines(explanation: Explanation) -> list[str]:
    """A line for each feedback loop, the strongest first; see `STRENGTH` and `DELAY`."""
    form = ExplanationFormat(explanation)
    return [_loop(form, loop) for loop in explanation.loops]


def explanation_text(explanation: Explanation) -> str:
    """Everything for the terminal: the sentences, balances at single times, and feedback loops."""
    form = ExplanationFormat(explanation)
    label = form.label(explanation.name)
    label = f"{capital(label)} ({explanation.name})" if label != explanation.name else label
    lines = [f"{label} in {explanation.scenario.id}, arm {explanation.arm.name}", *_folded(_story(form))]
    if explanation.against is not None:
        lines += ["", f"Compared with the arm {explanation.against.reference}:"]
        lines += _folded(_comparison(form, explanation.against))
    for balance in explanation.at:
        lines += ["", *_table(form, balance)]
    balances = [phase.balance for phase in explanation.phases if phase.kind != PhaseKind.LEVEL]
    parts = [part for balance in balances for side in (GAIN, LOSS) for part, _ in form.parts(balance, side)]
    turnover = [TURNOVER, ""] if any(part.has_background for part in parts) else []
    return "\n".join([*lines, "", *turnover, *_loops(explanation), "", _closure(form)])


def parameter_changes(form: ExplanationFormat) -> list[str]:
    """What the scenario changes in the arm, and when."""
    explanation = form.explanation
    found = windows(explanation.scenario, [explanation.arm])
    return [f"From {form.span(each.start, each.end)} the scenario changes {each.text}." for each in found]


def turning_point_line(form: ExplanationFormat, turn: TurningPoint) -> str:
    """A turning point in one line, with the rate that changed most."""
    if turn.kind == TurnKind.JUMP:
        return f"jumps {form.at(turn.time)} by {_cause_of_jump(form, turn)}"
    (most, *_) = turn.changes
    level = f"if the level were this {form.both_times}, " if form.is_species else ""
    change = _two_times(form, most, form.explanation.name, turn)
    return f"{turn.kind} {form.at(turn.time)}, {form.value(turn.value)}: {level}{change}"


def _story(form: ExplanationFormat) -> Iterator[str]:
    turns: dict[float, list[TurningPoint]] = {}
    for turn in form.explanation.turning_points:
        turns.setdefault(turn.time, []).append(turn)
    yield _overview(form)
    if (undefined := form.explanation.undefined) is not None:
        line = undefined_line(undefined, form.explanation.scenario.model.time_unit_text)
        yield f"{line}; what follows is told of the times at which it has a value."
    yield from parameter_changes(form)
    for phase in form.explanation.phases:
        start, end = phase.balance.start, phase.balance.end
        for last in ((start + end) / 2, end):  # what turned a curve stands before the phase that it began
            for time in sorted(turns):
                if time <= last and (last == end or turns[time][0].kind not in _INSIDE):
                    for turn in turns.pop(time):
                        yield from _turning_point(form, turn)
            if last < end and phase.kind != PhaseKind.LEVEL:
                yield _phase(form, phase)


def _closure(form: ExplanationFormat) -> str:
    error = form.explanation.error
    minus = "Production minus loss" if form.is_species else "Increase minus decrease"
    if error <= ROUNDING:
        return f"{minus} matches the curve to rounding error."
    if error <= OFF:
        return f"{minus} matches the curve (relative error {number(error, 1)})."
    return (
        f"Caution: {minus.lower()} differs from the curve by {percent(error)}, because a formula jumps at a threshold, "
        "which no rate shows."
    )


def _folded(found: Iterable[str], then: str = "  ") -> list[str]:
    folds = {"width": WIDE, "break_long_words": False, "break_on_hyphens": False}
    return [fill(line, initial_indent="  ", subsequent_indent=f"  {then}", **folds) for line in found]  # type: ignore[arg-type]


def _overview(form: ExplanationFormat) -> str:
    flux = form.explanation.flux
    time, value = (float(each[0]) for each in peak(flux.pieces(flux.values)))
    text = describe_curve(flux.times * form.scale, flux.values, form.unit, form.clock, (time * form.scale, value))
    return f"{capital(text)}."


def _phase(form: ExplanationFormat, phase: PhaseBalance) -> str:
    balance = phase.balance
    if phase.kind == PhaseKind.OSCILLATION:
        peaks = f"{phase.peaks} peaks" if phase.peaks > 1 else "one peak"
        head = f"It oscillates from {form.span(balance.start, balance.end)}, with {peaks}, between "
        head += f"{form.value(phase.lowest)} and {form.value(phase.highest)}."
    else:
        verb = "rises" if phase.kind == PhaseKind.RISE else "falls"
        head = f"It {verb} from {form.value(balance.initial)} ({form.time(balance.start)}) "
        head += f"to {form.value(balance.final)} ({form.time(balance.end)})."
    if phase.kind == PhaseKind.OSCILLATION:
        return f"{head} {_swings(form, balance)}"
    sides = (LOSS, GAIN) if phase.kind == PhaseKind.FALL else (GAIN, LOSS)
    text = f"{head} {_gain_and_loss(form, balance, *sides)}"
    if phase.drivers:
        text += f" In the mean, {listed([form.driver(driver) for driver in phase.drivers])}."
    return text


def _gain_and_loss(form: ExplanationFormat, balance: Balance, first: str, second: str) -> str:
    """``Of the gain, 62 % is by “x” and 20 % by “y”; 31 % of it is lost again, by “z”.``"""
    parts, other = form.parts(balance, first), form.parts(balance, second)
    changes = any(item.has_background for item, _ in (*parts, *other[:1]))
    side = form.side(first, changes)
    if not parts:
        return f"There is no {side}."
    text = _shares_in_words(form, balance, first, changes)
    back, undone = getattr(balance, second) / getattr(balance, first), form.undone(second, changes)
    if not other or back < NONE:
        return f"{text}; almost none of it is {undone}."
    item, part = other[0]
    of_that = "" if part > NEARLY_ALL else f"{percent(part)} of that "
    return f"{text}; {percent(back)} of it is {undone}, {of_that}{form.how(item, second, balance)}."


def _swings(form: ExplanationFormat, balance: Balance) -> str:
    """``Of the increase, 62 % is by “x” and 20 % by “y”; nearly all decrease is by “z”.``"""
    sides = [side for side in (GAIN, LOSS) if form.parts(balance, side)]
    single = {(parts[0][0].id, parts[0][1] > NEARLY_ALL) for side in sides if (parts := form.parts(balance, side))}
    if len(sides) == 2 and len(single) == 1 and single.pop()[1]:
        return f"Nearly all of its swings are by {form.contributor(balance.contributions[0])}."
    changes = any(item.has_background for side in sides for item, _ in form.parts(balance, side))
    words = [_shares_in_words(form, balance, side, changes) for side in sides]
    return "; ".join([*words[:1], *(f"{each[0].lower()}{each[1:]}" for each in words[1:])]) + "." if words else ""


def _shares_in_words(form: ExplanationFormat, balance: Balance, side: str, changes: bool) -> str:
    """``Of the gain, 62 % is by “x” and 20 % by “y”``"""
    (largest, part), *more = form.parts(balance, side)
    if not more and part >= NEARLY_ALL:
        extent = "All" if percent(part) == "100 %" else "Nearly all"
        return f"{extent} {form.side(side, changes)} is {form.how(largest, side, balance)}"
    words = [f"{percent(part)} is {form.how(largest, side, balance)}"]
    words += [f"{percent(part)} {form.how(item, side, balance)}" for item, part in more]
    return f"Of the {form.side(side, changes)}, {listed(words)}"


def _turning_point(form: ExplanationFormat, turn: TurningPoint) -> Iterator[str]:
    if turn.kind == TurnKind.JUMP:
        yield f"{capital(form.at(turn.time))} it jumps to {form.value(turn.value)} by {_cause_of_jump(form, turn)}."
    elif turn.changes:
        level = f"If the level were {form.value(turn.value)} {form.both_times}, " if form.is_species else ""
        changes = "; ".join(_rate_change(form, change, form.explanation.name, turn) for change in turn.changes)
        yield f"{_TURN[turn.kind]} {form.at(turn.time)}. {capital(level + changes)}."


def _cause_of_jump(form: ExplanationFormat, turn: TurningPoint) -> str:
    causes = []
    if turn.dosed:
        given = [
            dose.name
            for dose in form.explanation.arm.doses
            if not dose.over
            and dose.target in form.species
            and any(dose.entry(number) == turn.time for number in range(dose.count))
        ]
        causes.append(f"dosing ({', '.join(given)})")
    if turn.changed:
        causes.append("the change of parameters")
    return listed(causes)


def _two_times(form: ExplanationFormat, change: RateChange, name: str, turn: TurningPoint) -> str:
    after = (change.after, form.at(turn.time_after))
    return form.two_rates(change, name, after, change.before, form.at(turn.time_before))


def _rate_change(form: ExplanationFormat, change: RateChange, name: str, turn: TurningPoint) -> str:
    """``“label” would remove 42 pM per d on day 18 and 26 on day 14, because ...``"""
    text = _two_times(form, change, name, turn)
    if change.share < 0.95:
        text += f" ({percent(change.share)} of the effect)"
    if change.drivers:
        text += f", because {listed([form.driver(driver) for driver in change.drivers])}"
    for inner in change.inner:
        text += f"; if the level of {form.named(change.id)} were the same {form.both_times}, "
        text += _rate_change(form, inner, change.id, turn)
    return text


def _comparison(form: ExplanationFormat, against: ArmComparison) -> Iterator[str]:
    whole, other = against.whole, form.explanation.scenario.arm(against.reference)
    title = "" if other.title in ("as described", other.name) else f" ({other.title})"
    called = other.name if form.names else f"“{other.title}”"
    first, last = form.value(whole.reference_balance.initial), form.value(whole.reference_balance.final)
    where = f"the arm {other.name}{title}" if form.names else called
    text = f"In {where} it goes from {first} to {last} by {form.time(whole.end)}, in this arm to "
    text += form.value(whole.balance.final)
    both = whole.balance, whole.reference_balance
    mine, theirs = (_loss_of_gain(form, balance) for balance in both)
    moves = all(max(each.gain, each.loss) > NONE * form.largest for each in both)  # a flat curve has no telling ratio
    yield f"{text}; {mine} in this arm, {theirs} in {called}." if moves and mine != theirs else f"{text}."
    found = [window for window in against.phases if window.differences]
    least = SMALL * max(map(form.explanation.divergence, found), default=0.0)
    found = [window for window in found if form.explanation.divergence(window) >= least]
    found = sorted(sorted(found, key=form.explanation.divergence)[-MOST:], key=lambda window: window.start)
    if not found:
        yield "No gain or loss differs by more than 2 % of what moves the curve."
    for window in found:
        level = ", if both arms had the level of this one" if form.is_species else ""
        differences = "; ".join(_difference(form, each, called) for each in window.differences[:2])
        yield f"From {form.span(window.start, window.end)}{level}, {differences}."


def _difference(form: ExplanationFormat, difference: RateDifference, other: str) -> str:
    rate = (difference.rate, "in this arm")
    text = form.two_rates(difference, form.explanation.name, rate, difference.reference_rate, f"in {other}")
    side, shares = (GAIN, difference.gain_shares) if difference.rate > 0 else (LOSS, difference.loss_shares)
    if difference.rate * difference.reference_rate >= 0 and abs(shares[0] - shares[1]) >= APART:
        text += f" ({percent(shares[0])} of the {form.side(side)} instead of {percent(shares[1])})"
    if [driver.name for driver in difference.drivers] == [difference.id]:
        return f"{text}, because its level is {form.driver_values(difference.drivers[0])}"
    if difference.drivers:
        text += f", because {listed([form.driver(driver) for driver in difference.drivers])}"
    return text


def _loss_of_gain(form: ExplanationFormat, balance: Balance) -> str:
    gain, loss = form.side(GAIN), form.side(LOSS)
    added, removed = balance.gain, balance.loss
    if balance.background:
        amounts = [part.amount for part in balance.contributions]
        added, removed = (sum(amount for amount in each if amount > 0) for each in (amounts, [-a for a in amounts]))
    if not added:
        return f"no {gain}"
    ratio = removed / added
    if ratio > 1.005:
        return f"{number(ratio)} times as much {loss} as {gain}"
    return f"{percent(ratio)} of the {gain} is {form.undone(LOSS)}"


def _table(form: ExplanationFormat, balance: Balance) -> list[str]:
    """The balance at one time in columns, gain above loss."""
    direction = "rising" if balance.net > 0 else "falling"
    turnover = max(balance.gain, balance.loss, balance.background)
    at_rest = abs(balance.net) <= max(NONE * turnover, form.slowest)
    moves = "at rest" if at_rest else f"{direction} by {form.rate(balance.net)}"
    lines = [f"{capital(form.at(balance.start))}: {form.value(balance.initial)}, {moves}"]
    rows = []
    for side, sign in ((GAIN, 1.0), (LOSS, -1.0)):
        parts = [part for part in balance.contributions if sign * part.amount > 0]  # what changed most first
        total = sum(abs(part.amount) for part in parts)
        for i, part in enumerate(parts):
            has_label = part.kind in (ContributorKind.REACTION, ContributorKind.SPECIES)
            called = part.label if has_label else form.contributor(part)
            called = "" if called == part.id else called
            size, portion = number(abs(part.amount) / form.scale), percent(abs(part.amount) / total)
            rest = form.background(part, balance) if part.has_background else ""
            rows.append((form.side(side) if i == 0 else "", size, portion, part.id, called, rest))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for side, figure, portion, id, called, rest in rows:
        cells = f"{side:{widths[0]}}  {figure:>{widths[1]}}  {portion:>{widths[2]}}  {id:{widths[3]}}"
        lines.append(f"  {cells}  {'; '.join(filter(None, (called, rest)))}".rstrip())
    return lines


def _loops(explanation: Explanation) -> list[str]:
    """A heading, and a line for each feedback loop."""
    lines = feedback_lines(explanation)
    if not lines:
        return ["Feedback loops: no loop through it feeds back as much as 1 % of a disturbance in this run."]
    return [fill(f"Feedback loops ({STRENGTH}; {DELAY}):", WIDE), *_folded(lines)]


def _loop(form: ExplanationFormat, loop: ActiveLoop) -> str:
    """``A raises B, which lowers A: negative feedback, cancels 28 % of a disturbance; delay about 3.5 d``"""
    effect = _EFFECT[loop.sign].format(percent(loop.strength))
    chain = chain_in_words([(link.cause, link.sign, link.effect) for link in loop.links])
    if loop.delay is None:
        delay = "delay unclear"
    elif loop.delay > 0:
        delay = f"delay about {number(loop.delay * form.scale, 2)} {form.clock}"
    else:
        delay = "no visible delay"
    return f"{chain}: {FEEDBACK[loop.sign]}, {effect}; {delay}"
