"""One feature beside its reference: the shares of its bins in a window, what is said of it, and how it went by day.

Called by the pages. It reads stored profiles, never rows, and judges as the report does. What cannot be compared has a
reason in place of a comparison.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from interlock.domain.errors import NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check
from interlock.monitoring import drift
from interlock.monitoring.drift import FEWEST_ROWS, DriftWindow
from interlock.monitoring.evidence import Evidence
from interlock.monitoring.windows import Hours, Reference
from interlock.stats.profile import FeatureSummary, Profile, merge_all
from interlock.stats.profile_bins import FeatureBins
from interlock.stats.two_sample import analyze
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)

_DAYS = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class BinShare:
    """Share of the rows in one bin, 0 to 1."""

    label: str
    reference: float
    current: float


@dataclass(frozen=True, slots=True)
class FeatureDay:
    """One day (UTC, of the event).

    Args:
        severity: Jensen-Shannon distance from the reference, 0 to 1; None for too few rows.
    """

    day: datetime
    rows: int
    missing_share: float | None
    mean: float | None
    severity: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A feature in a window beside its reference."""

    check: Check
    kind: str
    reference: FeatureSummary
    current: FeatureSummary
    shares: Sequence[BinShare]
    days: Sequence[FeatureDay]


@dataclass(frozen=True, slots=True)
class Feature:
    """What is known of a feature.

    Args:
        column: As checks name it: an input, or `output.<name>`.
        version: Whose reference it is; of several in the window that with the most rows, unless another was asked for.
        versions: Those that were asked in the window.
        since, until: The window, the end excluded.
        comparison: None where nothing can be compared.
        reason: Why not; empty if it can.
    """

    endpoint: str
    column: str
    version: str
    versions: Sequence[str]
    since: datetime
    until: datetime
    comparison: Comparison | None
    reason: str = ""


def read(
    tx: Transaction, endpoint: str, column: str, *, window: timedelta, until: datetime, version: str | None = None
) -> Feature:
    """Compare one feature of one version.

    Args:
        window: Its length, in whole hours.
        until: Its end, a full hour.
        version: Whose; None for the one with the most rows in the window.

    Raises:
        NotFoundError: There is no such endpoint, version or column.
    """
    since = until - window
    evidence = Evidence.read(tx, endpoint, since - drift.past(window), until)
    rows = evidence.rows(since, until)
    busiest = max(rows, key=lambda ref: (rows[ref], ref), default=tx.plans.current(endpoint).champion)
    chosen = tx.models.get(version or busiest)
    versions = sorted({*evidence.present(since, until), chosen.ref})
    comparison, reason = _compare(tx, evidence, chosen, column, since, until)
    return Feature(endpoint, column, chosen.ref, versions, since, until, comparison, reason)


def _compare(
    tx: Transaction, evidence: Evidence, version: ModelVersion, column: str, since: datetime, until: datetime
) -> tuple[Comparison | None, str]:
    if version.ref in evidence.broken:
        return None, evidence.broken[version.ref]
    reference = Reference.of(version)
    if reference is None:
        _check_known(column, _columns(version))
        return None, "there is no reference to compare with; register the model with --reference"
    _check_known(column, reference.spec.slices)
    bins = next(each for each in reference.spec.features if each.name == column)
    profiled = evidence.profiled.get(version.ref)
    hours = profiled.hours if profiled else Hours.read(reference.spec, [])
    cut = DriftWindow.cut(reference, hours.window(since - drift.past(until - since), until), since, until)
    comparison = Comparison(
        check=evidence.judge(bins, cut, alpha=evidence.alpha(since, until)),
        kind=bins.kind,
        reference=reference.profile.summary(column),
        current=cut.profile.summary(column),
        shares=_shares(bins, reference.profile, cut.profile),
        days=_by_day(tx, evidence.endpoint, reference, column, until),
    )
    return comparison, ""


def _columns(version: ModelVersion) -> list[str]:
    contract = version.contract
    return [each.name for each in contract.inputs] + [f"output.{each.name}" for each in contract.outputs]


def _check_known(column: str, known: Sequence[str] | dict[str, slice]) -> None:
    if column not in known:
        raise NotFoundError("column", column, list(known))


def _shares(bins: FeatureBins, reference: Profile, current: Profile) -> list[BinShare]:
    before, now = reference.counts(bins.name), current.counts(bins.name)
    all_before, all_now = max(1, int(before.sum())), max(1, int(now.sum()))
    return [
        BinShare(bin_label(bins, number), int(was) / all_before, int(is_now) / all_now)
        for number, (was, is_now) in enumerate(zip(before, now, strict=True))
    ]


def bin_label(bins: FeatureBins, number: int) -> str:
    """A bin in words.

    Examples:
        >>> bins = FeatureBins("age", "numeric", edges=(20.0, 30.5))
        >>> [bin_label(bins, number) for number in range(bins.size)]
        ['up to 20', '20 to 30.5', 'over 30.5', 'missing']
    """
    if number == bins.size - 1:
        return "missing"
    if bins.kind == "categorical":
        return bins.categories[number] if number < len(bins.categories) else "other values"
    if not bins.edges:
        return "any value"
    if number == 0:
        return f"up to {bins.edges[0]:.4g}"
    if number == len(bins.edges):
        return f"over {bins.edges[-1]:.4g}"
    lower, upper = (f"{edge:.4g}" for edge in bins.edges[number - 1 : number + 1])
    return upper if lower == upper else f"{lower} to {upper}"


def _by_day(tx: Transaction, endpoint: str, reference: Reference, column: str, until: datetime) -> list[FeatureDay]:
    """The last weeks; days without rows are there too."""
    last = (until - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    first = last - _DAYS + timedelta(days=1)
    stored = tx.profiles.between(endpoint, first, until, reference.version)
    by_day = {
        day: _merged(reference, (blob for _, _, blob in found))
        for day, found in groupby(stored, lambda each: each[1].replace(hour=0))
    }
    days = [first + timedelta(days=number) for number in range(_DAYS.days)]
    return [_day(day, by_day.get(day), reference, column) for day in days]


def _merged(reference: Reference, blobs: Iterable[bytes]) -> Profile | None:
    """Hours as one profile; None if one of them is damaged."""
    try:
        return merge_all(reference.spec, blobs)
    except ValueError:
        _log.exception("profiles of %s cannot be read", reference.version)
        return None


def _day(day: datetime, profile: Profile | None, reference: Reference, column: str) -> FeatureDay:
    if profile is None:
        return FeatureDay(day, 0, None, None, None)
    found, counts = profile.summary(column), profile.counts(column)
    known = reference.profile.counts(column)
    enough = counts.sum() >= FEWEST_ROWS and known.sum() > 0
    severity = analyze(known, counts).jensen_shannon if enough else None
    return FeatureDay(day, found.rows, found.missing_share, found.mean, severity)
