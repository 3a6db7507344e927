"""What a release will take at an endpoint's traffic: how long each step, and the smallest harm that it would see.

Called before a release starts. It asks the same functions as the gates, with the counts that are to be expected, so it
cannot promise what the gates do not keep. Only what can be known before is told: when quality is surely not worse
depends on the candidate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

import msgspec

from interlock.domain.release import ARMED, ReleasePlan, Strategy
from interlock.releases import planning
from interlock.releases.failures import NON_INFERIOR_RATIO
from interlock.releases.planning import UNKNOWN, Baseline
from interlock.releases.strategies import STRATEGIES
from interlock.stats import failure_rate, relative_risk
from interlock.stats.relative_risk import StepFailures
from interlock.store.transaction import Transaction

_MEASURED = timedelta(days=7)
_MOST_UNITS = 1 << 27
_LARGEST_HARM = 64.0
_TOO_LONG_HOURS = 14 * 24


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint had lately.

    Args:
        requests_per_hour: Of all versions.
        failure_rate: Share of them that failed.
        labels_per_hour: Rows whose label arrives sooner or later.
        hours: Over so many it was measured, at most a week.
    """

    requests_per_hour: float
    failure_rate: float
    labels_per_hour: float
    hours: float


class StepForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What one step takes.

    Args:
        traffic_share: Of the candidate.
        hours: How long it takes at least; None: at this traffic it does not end.
        challenger_requests: That the candidate is assigned until then.
        smallest_harm: So many times the champion's failures are seen by then, more often than not; None: even the
            largest are not, or nothing is compared.
    """

    traffic_share: float
    hours: float | None
    challenger_requests: int
    smallest_harm: float | None


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a release takes at least; `hours` is None where it would never end. `advice` is a sentence, or empty.

    `planned_units`: of an A/B test, of all arms together, for four tests in five to see the plan's smallest difference.
    """

    endpoint: str
    strategy: Strategy
    traffic: Traffic
    steps: tuple[StepForecast, ...] = ()
    hours: float | None = None
    advice: str = ""
    planned_units: int | None = None


def measure(tx: Transaction, endpoint: str, now: datetime, labelled: float) -> Traffic:
    """Look at the last week.

    Args:
        labelled: Share of the endpoint's rows that have a label.
    """
    hours = tx.service_hours.between(endpoint, now - _MEASURED, now + timedelta(hours=1))
    requests, rows = sum(each.requests for each in hours), sum(each.rows for each in hours)
    since = min((each.hour for each in hours), default=now)
    spent = max((now - since).total_seconds() / 3600, 1 / 60)
    return Traffic(
        requests_per_hour=requests / spent,
        failure_rate=sum(each.failures for each in hours) / requests if requests else 0.0,
        labels_per_hour=rows * labelled / spent,
        hours=spent if requests else 0.0,
    )


def forecast(
    endpoint: str,
    strategy: Strategy,
    plan: ReleasePlan,
    traffic: Traffic,
    known: Baseline = UNKNOWN,
    *,
    candidates: int = 1,
) -> Forecast:
    """Say what a release by `plan` takes.

    Args:
        endpoint: Whose.
        strategy: Which.
        plan: Its numbers.
        traffic: What the endpoint had lately.
        known: What an A/B test's metric was lately.
        candidates: How many, of an A/B test or a bandit.
    """
    if strategy in ARMED:
        return _of_arms(Forecast(endpoint=endpoint, strategy=strategy, traffic=traffic), plan, known, candidates)
    steps = _STEPS[strategy](plan, traffic)
    hours = None if any(step.hours is None for step in steps) else sum(step.hours or 0 for step in steps)
    found = Forecast(endpoint=endpoint, strategy=strategy, traffic=traffic, steps=tuple(steps), hours=hours, advice="")
    return msgspec.structs.replace(found, advice=_advice(found, plan))


def _of_arms(asked: Forecast, plan: ReleasePlan, known: Baseline, candidates: int) -> Forecast:
    """Of so many candidates beside the champion: shares of all of them together, and units until each is decided."""
    traffic = asked.traffic
    needed = planning.units_needed(plan, known, candidates) if asked.strategy == "ab_test" else None
    per_hour = known.units / traffic.hours if traffic.hours else 0.0
    *early, last = plan.steps or (candidates / (candidates + 1),)
    each = plan.min_units * candidates
    steps = [_arm_step(share, round(each / share), traffic.requests_per_hour) for share in early]
    steps.append(_arm_step(last, needed, per_hour))
    hours = None if any(step.hours is None for step in steps) else sum(step.hours or 0 for step in steps)
    advice = _arm_advice(asked.strategy, plan, known, needed)
    if needed is not None:
        advice = _size(plan, known, needed, last / candidates)
    return msgspec.structs.replace(asked, steps=tuple(steps), hours=hours, advice=advice, planned_units=needed)


def _arm_step(share: float, units: int | None, per_hour: float) -> StepForecast:
    hours = units / per_hour if units is not None and per_hour > 0 else None
    assigned = round(share * units) if units is not None else 0
    return StepForecast(traffic_share=share, hours=hours, challenger_requests=assigned, smallest_harm=None)


def _arm_advice(strategy: Strategy, plan: ReleasePlan, known: Baseline, needed: int | None) -> str:
    if strategy == "bandit":
        return "a bandit has no end of its own: it shares traffic out by what arms earn until a person ends it"
    metric = f"reward {plan.reward!r}" if plan.reward is not None else "labelled row"
    if known.units < 2:
        return f"no {metric} has come in the last week, so nothing can be said of the size"
    if needed is None:
        return "no size is enough: ask for a larger difference (--mde)"
    return ""


def _size(plan: ReleasePlan, known: Baseline, needed: int, share: float) -> str:
    return (
        f"{needed:,} units in all, {share:.3g} of them each candidate's, for four tests in five to see a difference of "
        f"{plan.mde:g} times the champion's mean of {known.mean:.4g}"
    )


@dataclass
class _Road:
    """A canary on its way: what it has seen so far."""

    plan: ReleasePlan
    traffic: Traffic
    alpha: float
    hours: float = 0.0

    def __post_init__(self) -> None:
        self._seen: list[tuple[float, float, float]] = []

    def step(self, share: float, units: int | None) -> StepForecast:
        """Go through a step that needs so many challenger requests; None: no number is enough."""
        rate = self.traffic.requests_per_hour
        enough = units / (rate * share) if units is not None and rate > 0 else inf
        spent = max(enough, _hours_of_labels(self.plan, self.traffic) - self.hours)
        if spent == inf:
            return StepForecast(traffic_share=share, hours=None, challenger_requests=0, smallest_harm=None)
        self.hours += spent
        self._seen.append((share, rate * share * spent, rate * (1 - share) * spent))
        return StepForecast(
            traffic_share=share,
            hours=spent,
            challenger_requests=round(rate * share * spent),
            smallest_harm=self._smallest_harm(),
        )

    def _smallest_harm(self) -> float | None:
        base = self.traffic.failure_rate
        if base == 0 or not self._is_seen(_LARGEST_HARM, base):
            return None
        low, high = 1.0, _LARGEST_HARM
        while high / low > 1.01:
            middle = (low * high) ** 0.5
            low, high = (low, middle) if self._is_seen(middle, base) else (middle, high)
        return high

    def _is_seen(self, harm: float, base: float) -> bool:
        failures = [
            StepFailures(round(min(base * harm, 1.0) * challenger), round(base * champion), share)
            for share, challenger, champion in self._seen
        ]
        return relative_risk.analyze(failures, alpha=self.alpha).p_value <= self.alpha


def _canary(plan: ReleasePlan, traffic: Traffic) -> list[StepForecast]:
    road = _Road(plan, traffic, plan.alpha / (len(STRATEGIES["canary"].gates) + len(plan.slices)))
    *early, last = plan.steps[:-1]
    needed = _units_until_not_worse(plan, traffic.failure_rate, last, road.alpha)
    return [road.step(share, plan.min_units) for share in early] + [road.step(last, needed)]


def _shadow(plan: ReleasePlan, traffic: Traffic) -> list[StepForecast]:
    alpha = plan.alpha / (len(STRATEGIES["shadow"].gates) + len(plan.slices))
    units = _first(lambda count: _is_rarely_failing(plan, 0.0, count, alpha), plan.min_units)
    enough = units / traffic.requests_per_hour if units is not None and traffic.requests_per_hour else inf
    hours = max(enough, _hours_of_labels(plan, traffic))
    found = None if hours == inf else hours
    return [StepForecast(traffic_share=0.0, hours=found, challenger_requests=0, smallest_harm=None)]


def _blue_green(plan: ReleasePlan, traffic: Traffic) -> list[StepForecast]:
    hours = plan.hold_seconds / 3600
    return [
        StepForecast(
            traffic_share=share,
            hours=hours,
            challenger_requests=round(traffic.requests_per_hour * share * hours),
            smallest_harm=None,
        )
        for share in plan.steps
    ]


_STEPS: dict[Strategy, Callable[[ReleasePlan, Traffic], list[StepForecast]]] = {
    "shadow": _shadow,
    "canary": _canary,
    "blue_green": _blue_green,
}


def _hours_of_labels(plan: ReleasePlan, traffic: Traffic) -> float:
    """Until so many labels have come as quality asks for."""
    if plan.require_labels == "no" or (plan.require_labels == "auto" and traffic.labels_per_hour == 0):
        return 0.0
    return plan.min_labels / traffic.labels_per_hour if traffic.labels_per_hour else inf


def _units_until_not_worse(plan: ReleasePlan, base: float, share: float, alpha: float) -> int | None:
    """Challenger requests until one that fails as often as the champion is surely not worse."""

    def is_enough(count: int) -> bool:
        both = StepFailures(round(base * count), round(base * count * (1 - share) / share), share)
        is_close = relative_risk.analyze([both], alpha=alpha).upper <= NON_INFERIOR_RATIO
        return is_close or _is_rarely_failing(plan, base, count, alpha)

    return _first(is_enough, plan.min_units)


def _is_rarely_failing(plan: ReleasePlan, base: float, count: int, alpha: float) -> bool:
    return failure_rate.analyze(round(base * count), count, alpha=alpha).upper < plan.max_failure_rate


def _first(is_enough: Callable[[int], bool], least: int) -> int | None:
    """The smallest count from `least` on that is enough, to 1 %; None if none is."""
    low, high = least, least
    while not is_enough(high):
        if high > _MOST_UNITS:
            return None
        low, high = high, 2 * high
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _advice(found: Forecast, plan: ReleasePlan) -> str:
    if found.traffic.requests_per_hour == 0:
        return "the endpoint has had no traffic for a week, so nothing can be said of how long it takes"
    if found.strategy != "canary" or (found.hours is not None and found.hours <= _TOO_LONG_HOURS):
        return ""
    shadow = forecast(found.endpoint, "shadow", plan, found.traffic)
    if shadow.hours is None or shadow.hours > _TOO_LONG_HOURS:
        return "at this traffic neither a canary nor a shadow decides within two weeks: ask for less, or decide by hand"
    return f"over two weeks at this traffic; --strategy shadow scores the same rows in {spell(shadow.hours)}"


def spell(hours: float | None) -> str:
    """Spell a time.

    Examples:
        >>> spell(0.05), spell(5.0), spell(100.0), spell(None)
        ('3 minutes', '5.0 hours', '4.2 days', 'no end in sight')
    """
    if hours is None:
        return "no end in sight"
    if hours < 2:
        return f"{max(1, round(hours * 60))} minutes"
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def sentence(found: Forecast) -> str:
    """All of it in one line for people."""
    per_hour = f"{found.traffic.requests_per_hour:,.0f} requests an hour"
    return f"takes at least {spell(found.hours)} at {per_hour}" + (f"; {found.advice}" if found.advice else "")
