"""From how fast the loss grows, and what a run costs, to how often to retrain. Called by the process of an advice.

Between two runs a model is on average half an interval old, so its loss lies half of that growth above a fresh one's.
Proposed is the longest interval that keeps this under what is tolerated. Where growth is not shown, or too slow to
matter within the time that the log covers, nothing is proposed: retraining costs, and each release has its risk.
"""

from dataclasses import dataclass

from interlock.domain.advice import Interval, Measured, Proposal

DAYS = (0.25, 0.5, 1.0, 2.0, 3.0, 7.0, 14.0, 30.0, 60.0, 90.0, 180.0)

# A machine that trains more than a tenth of the time has another purpose than this endpoint.
_MOST_MACHINE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Proposed:
    """All intervals, the proposal if there is one, and why."""

    intervals: tuple[Interval, ...]
    proposal: Proposal | None
    reason: str


def propose(measured: Measured, tolerated: float) -> Proposed:
    """Weigh the intervals.

    Args:
        measured: What the log showed.
        tolerated: Share of a fresh model's loss that may be lost on average between two runs.
    """
    intervals = tuple(_interval(measured, days) for days in DAYS if days <= measured.span_days)
    if measured.lower is None or measured.upper is None:
        return Proposed(intervals, None, "no need seen: too few models or stretches of time to say how sure it is")
    if measured.lower <= 0:
        return Proposed(intervals, None, _not_shown(measured))
    bound = tolerated * measured.fresh_loss
    if measured.per_day * measured.span_days / 2 <= bound:
        return Proposed(intervals, None, _too_slow(measured, tolerated))
    possible = [each for each in intervals if not each.why_not]
    if not possible:
        return Proposed(intervals, None, f"growth is there, but no interval can be kept: {intervals[-1].why_not}")
    chosen, shortest, longest = (
        _longest(possible, growth, bound) for growth in (measured.per_day, measured.upper, measured.lower)
    )
    proposal = Proposal(every_hours=24 * chosen, shortest_hours=24 * shortest, longest_hours=24 * longest)
    return Proposed(intervals, proposal, _why(measured, tolerated, chosen, bound))


def _interval(measured: Measured, days: float) -> Interval:
    half, share = days / 2, measured.run_seconds / (86_400 * days)
    why_not = ""
    if days < measured.label_delay_days:
        why_not = f"labels take {measured.label_delay_days:.2g} days: sooner there is little new to learn"
    elif share > _MOST_MACHINE_SHARE:
        why_not = f"runs would take {share:.0%} of the time"
    return Interval(
        days=days,
        excess=measured.per_day * half,
        lower=max(0.0, (measured.lower or 0.0) * half),
        upper=max(0.0, (measured.upper or 0.0) * half),
        gain=measured.per_day * (measured.span_days - days) / 2,
        machine_share=share,
        why_not=why_not,
    )


def _longest(possible: list[Interval], growth: float, bound: float) -> float:
    """The longest interval that keeps to the bound; where none does, the shortest there is."""
    kept = [each.days for each in possible if growth * each.days / 2 <= bound]
    return max(kept, default=possible[0].days)


def _not_shown(measured: Measured) -> str:
    assert measured.upper is not None
    worst = 0.0 if measured.fresh_loss <= 0 else max(0.0, measured.upper) * measured.span_days / 2 / measured.fresh_loss
    return (
        f"no need seen: the loss grows by {measured.per_day:.2g} a day, and could as well not grow; at the worst that "
        f"the measurement allows, one model for {measured.span_days:.3g} days loses {worst:.1%} on average"
    )


def _too_slow(measured: Measured, tolerated: float) -> str:
    lost = measured.per_day * measured.span_days / 2 / measured.fresh_loss
    return (
        f"no need seen: the loss grows, but one model for all of {measured.span_days:.3g} days loses {lost:.1%} on "
        f"average, and {tolerated:.1%} is tolerated"
    )


def _why(measured: Measured, tolerated: float, days: float, bound: float) -> str:
    excess = measured.per_day * days / 2
    kept = f"and {tolerated:.1%} is tolerated" if excess <= bound else f"more than the {tolerated:.1%} tolerated"
    return (
        f"the loss grows by {measured.per_day:.2g} a day ({measured.lower:.2g} to {measured.upper:.2g}); retrained "
        f"every {days:g} days a model loses {excess / measured.fresh_loss:.1%} on average between two runs, {kept}"
    )
