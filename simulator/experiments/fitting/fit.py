"""Fits the values that ``[fit]`` names to all data of a scenario, and says how well the data tell them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...numerics.trajectory import Array
from ...runtime.interrupt import interrupts_remembered
from ...runtime.packages import package
from ..residuals import DataResult
from ..scenario import Scenario
from ..sweeps.sampling import LatinHypercube
from .bootstrap import Bootstrap, bootstrap
from .posterior import Posterior, posterior
from .problem import FitProblem, Residuals, Simulated, errors_at, first_errors, measured, next_to
from .profile import Profile, profiles
from .search import MOST_STEPS, Search, jacobian_at, search
from .together import Together
from .uncertainty import OF_INTERVALS, Uncertainty, Untold, quantile_of, uncertainty

MOST_ROUNDS = 20  # of errors that follow from the curves that follow from the errors
SAME_ERRORS = 1e-3  # of their size
SAME_FIT = 0.5  # of the sum of squares: another start that ends this near has found the same fit, ...
SAME_SHARE = 0.01  # ... or this share of it, as rough searches end early
NEAR_FIT, MOST_NEAR = 10.0, 8  # of the sum of squares: so near to the best, rough searches are continued; at most
SAME_PLACE = 0.02  # of every range: of rough searches that end as near to one another, the best one is continued
ROUGH_STEPS = 30
BETTER = 0.02  # of the sum of squares: what a profile finds below the best fit by more is a better fit

OnProgress = Callable[[str, float], object]  # what is done, and its share from 0 to 1


class NothingSimulatedError(Exception):
    """No start could be simulated to its end. The message says how the first of them failed."""


@dataclass(frozen=True, eq=False)
class FitResult:
    """The best fit.

    Attributes:
        problem: what was fitted.
        best: the search that found it; its cost is the sum of squared residuals, of data and priors.
        starts: every rough search, in the order of their starts, with the errors of the measured values.
        residuals: with the errors of the fit.
        simulated: the best fit at the points of the data, one member.
        uncertainty: standard errors, intervals, correlations, and what the data do not tell.
        profiles, bootstrap, posterior: where they were asked for.
        interrupted: whether Ctrl-C ended it; the best so far is kept.
    """

    problem: FitProblem
    best: Search
    starts: tuple[Search, ...]
    residuals: Residuals
    simulated: Simulated
    uncertainty: Uncertainty | None
    profiles: tuple[Profile, ...] = ()
    bootstrap: Bootstrap | None = None
    posterior: Posterior | None = None
    interrupted: bool = False

    @property
    def scenario(self) -> Scenario:
        """What was fitted."""
        return self.problem.scenario

    @property
    def values(self) -> Array:
        """The estimates in the units of their axes, shape (p,)."""
        found: Array = self.problem.values(self.best.place[None, :])[0]
        return found

    @property
    def weighted(self) -> Array:
        """All residuals in units of their errors, priors last, shape (points + priors,)."""
        found: Array = self.residuals.of(self.simulated, self.best.place[None, :])[0]
        return found

    @property
    def data(self) -> list[DataResult]:
        """Each data next to the fitted curve, with the errors by which its points weigh."""
        pairs = zip(self.compared, self.residuals.errors, strict=True)
        return [replace(each, errors=errors) for each, errors in pairs]

    @property
    def compared(self) -> list[DataResult]:
        """Each data next to the fitted curve, as a run compares them: with the errors that stand beside the points."""
        parts = zip(self.problem.data, self.simulated.values, strict=True)
        return [next_to(data, curves[0]) for data, curves in parts]

    @property
    def left_out(self) -> dict[str, int]:
        """How many points of data, by name, have no error, and so no weight."""
        counts = {each.name: len(each.points) for each in self.problem.data}
        found = {each.name: len(each.points) - counts.get(each.name, 0) for each in self.scenario.data}
        return {name: count for name, count in found.items() if count}

    @property
    def intervals(self) -> list[tuple[float | None, float | None]]:
        """The ends of the 95 % interval of each estimate in the unit of its axis: of its profile, where there is one.
        None where nothing ends it."""
        by_profile = {each.index: (each.low, each.high) for each in self.profiles}
        if self.uncertainty is None:
            return [by_profile.get(i, (None, None)) for i in range(self.problem.size)]
        ends = zip(
            *(each.tolist() for each in (self.uncertainty.low, self.uncertainty.high, self.uncertainty.errors)),
            strict=True,
        )
        known = [(low, high) if np.isfinite(error) else (None, None) for low, high, error in ends]
        return [by_profile.get(i, each) for i, each in enumerate(known)]

    @property
    def untold(self) -> list[Untold]:
        """What the data do not tell; profiles count more than the Jacobian."""
        found = list(self.uncertainty.untold if self.uncertainty else ())
        for each in self.profiles:
            others = {i for item in found if item.kind not in OF_INTERVALS for i in item.values}
            found = [item for item in found if item.kind not in OF_INTERVALS or item.values != (each.index,)]
            kind = {(True, True): "flat", (True, False): "no lower limit", (False, True): "no upper limit"}
            what = kind.get((each.low is None, each.high is None))
            if what and each.index not in others and not each.broken:
                found.append(Untold(what, (each.index,)))
        return found

    @property
    def likelihood(self) -> float:
        """Twice minus the logarithm of the likelihood of the data."""
        return self.residuals.minus_log_likelihood(self.simulated)

    @property
    def counted(self) -> int:
        """How many numbers the data had to tell: the estimates, and one error for all data of unknown errors each."""
        return self.problem.size + sum(not each.says_errors for each in self.problem.data)

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return self.likelihood + 2.0 * self.counted

    @property
    def bic(self) -> float:
        """The Bayesian information criterion."""
        return self.likelihood + float(np.log(self.problem.points)) * self.counted

    @property
    def reached(self) -> int:
        """How many starts ended at the fit of the lowest of them."""
        costs = np.array([each.cost for each in self.starts])
        least = float(costs.min())
        return int((costs <= least + max(SAME_FIT * one_unit(self.problem, least), SAME_SHARE * least)).sum())


@dataclass(frozen=True)
class FitOptions:
    """starts, seed: None: as the scenario says. profile: profile likelihoods too. bootstrap: how many samples.
    posterior: how many steps of emcee."""

    starts: int | None = None
    seed: int | None = None
    profile: bool = False
    bootstrap: int = 0
    posterior: int = 0


@interrupts_remembered()
def fit(
    scenario: Scenario, options: FitOptions | None = None, on_progress: OnProgress = lambda what, share: None
) -> FitResult:
    """The best fit of a scenario that has a `fit`.

    Ctrl-C ends it with the best so far, once a start was simulated; before that KeyboardInterrupt is raised. Raises
    `NothingSimulatedError` where no start can be simulated, and ModuleNotFoundError where emcee is needed and missing.
    """
    options = options or FitOptions()
    if options.posterior:
        package("emcee")  # before the work, not after it
    problem = FitProblem(scenario)
    seed = problem.fit.seed if options.seed is None else options.seed
    places = start_places(problem, problem.fit.starts if options.starts is None else options.starts, seed)
    residuals = measured(problem, first_errors(problem))
    found, interrupted = searches(problem, residuals, places, partial(on_progress, "starts"), rough=True)
    seen = [each for each in found if np.isfinite(each.cost)]
    if not seen and interrupted:
        raise KeyboardInterrupt
    if not seen:
        raise NothingSimulatedError(next((each.why for each in found if each.why), "a curve has no value"))
    seen = sorted(seen, key=lambda each: each.cost)
    best = seen[0]
    result = replace(_settled(problem, residuals, best, interrupted=True), starts=tuple(found))
    if interrupted:
        return result
    try:
        near = [each for each in seen if each.cost <= best.cost + NEAR_FIT * one_unit(problem, best.cost)]
        fine, interrupted = searches(problem, residuals, np.array(_different(near)[:MOST_NEAR]))
        better = min([each for each in fine if each.jacobian is not None] or [best], key=lambda each: each.cost)
        result = replace(_settled(problem, residuals, better, interrupted), starts=tuple(found))
        if options.profile and not result.interrupted:
            result = _profiled(result, partial(on_progress, "profiles"))
        if options.bootstrap and not result.interrupted:
            share = partial(on_progress, "bootstrap")
            samples, stopped = bootstrap(
                problem, result.residuals, result.simulated, result.best.place, options.bootstrap, seed, share
            )
            result = replace(result, bootstrap=samples, interrupted=stopped)
        if options.posterior and not result.interrupted:
            drawn, stopped = posterior(
                problem, result.residuals, result.best.place, result.uncertainty, options.posterior, seed,
                partial(on_progress, "posterior"),
            )  # fmt: skip
            result = replace(result, posterior=drawn, interrupted=stopped)
        return result
    except KeyboardInterrupt:
        return replace(result, interrupted=True)


def start_places(problem: FitProblem, count: int, seed: int) -> Array:
    """Where searches start, shape (count, p): at the values of the scenario, if their ranges hold them, and in a
    Latin hypercube on the scales of the ranges."""
    default = problem.default()
    own = [] if default is None else [default[None, :]]
    axes = tuple([each.axis for each in problem.fit.estimates])
    spread = problem.places(LatinHypercube(axes, count, seed).values(0, count))
    return np.concatenate([*own, spread])[:count]


def _different(found: Sequence[Search]) -> list[Array]:
    """The places of searches, the best first, without those that are near one before."""
    kept: list[Array] = []
    for each in found:
        if all(np.abs(each.place - other).max() > SAME_PLACE for other in kept):
            kept.append(each.place)
    return kept


def one_unit(problem: FitProblem, least: float) -> float:
    """What stands for 1 in a sum of squares: it is less where errors follow from the residuals, of which the least sum
    has one for each degree of freedom."""
    known = all(each.says_errors for each in problem.data)
    return 1.0 if known else least / max(problem.spare, 1)


def searches(
    problem: FitProblem, residuals: Residuals, places: Array, on_share: Callable[[float], object] = lambda share: None,
    rough: bool = False,
) -> tuple[list[Search], bool]:  # fmt: skip
    """A search from each of `places`, and whether they were interrupted; those that have not begun are left out.
    rough: as in `search`, at the tolerance of sweeps."""
    most = ROUGH_STEPS if rough else MOST_STEPS
    together = Together([partial(search, problem, residuals, place, most=most, rough=rough) for place in places])
    together.run(problem.roughly if rough else problem.simulate, lambda ended: on_share(ended / len(places)))
    return [together.found[number] for number in sorted(together.found)], together.interrupted


def _settled(problem: FitProblem, residuals: Residuals, best: Search, interrupted: bool) -> FitResult:
    """The fit whose errors are those of its own curve: it is fitted again until they are.

    Nothing more is simulated once it was interrupted.
    """
    known, jacobian = None, best.jacobian
    simulated = _simulated(best)
    for _ in range(MOST_ROUNDS):
        errors = errors_at(problem, simulated, residuals.errors)
        pairs = zip(errors, residuals.errors, strict=True)
        same = all(np.allclose(one, other, rtol=SAME_ERRORS, atol=0) for one, other in pairs)
        residuals = replace(residuals, errors=errors)
        if same or interrupted:
            jacobian = best.jacobian if same else None
            break
        found, interrupted = searches(problem, residuals, best.place[None, :])
        if found and np.isfinite(found[0].cost):
            best = found[0]
            simulated = _simulated(best)
    final = residuals.of(simulated, best.place[None, :])[0]
    best = replace(best, cost=float(final @ final))
    if not interrupted:
        jacobian = jacobian_at(problem, residuals, best.place)
    if jacobian is not None:
        known = uncertainty(problem, best.place, jacobian, final, quantile_of(problem))
    return FitResult(problem, best, (), residuals, simulated, known, interrupted=interrupted)


def _simulated(search: Search) -> Simulated:
    """What was simulated at the end of a search of finite cost."""
    if search.simulated is None:
        raise ValueError("nothing was simulated")
    return search.simulated


def _profiled(result: FitResult, on_share: Callable[[float], object]) -> FitResult:
    """The same with profiles; where one of them finds a better fit, they are made once more from there."""
    problem = result.problem
    for _ in range(2):
        if result.uncertainty is None:
            break
        found, stopped = profiles(problem, result.residuals, result.best, result.uncertainty, on_share)
        lowest = min((place for each in found for place in each.points), key=lambda point: point.cost, default=None)
        if stopped or lowest is None or lowest.cost >= result.best.cost - BETTER:
            return replace(result, profiles=tuple(found), interrupted=stopped)
        better, _ = searches(problem, result.residuals, lowest.place[None, :])
        result = replace(_settled(problem, result.residuals, better[0], False), starts=result.starts)
    return result
