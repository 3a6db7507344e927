"""One feature beside its reference: the shares of its bins in a window, what is said of it, and how it went by day.

Called by the pages. It reads stored profiles, never rows, and judges as the report does. What cannot be compared has a
reason in place of a comparison.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domain.errors import NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check
from interlock.monitoring import drift
from interlock.monitoring.drift import FEWEST_ROWS, DriftWindow
from interlock.monitoring.evidence import Evidence, Profiled
from interlock.monitoring.windows import Hours, Reference
from interlock.stats.profile import FeatureSummary, Profile
from interlock.stats.profile_bins import FeatureBins, ProfileSpec
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
    evidence = _evidence(tx, endpoint, since, until)
    rows = evidence.rows(since, until)
    busiest = max(rows, key=lambda ref: (rows[ref], ref), default=tx.plans.current(endpoint).champion)
    chosen = tx.models.get(version or busiest)
    versions = sorted({*evidence.present(since, until), chosen.ref})
    comparison, reason = _compare(tx, evidence, chosen, column, since, until)
    return Feature(endpoint, column, chosen.ref, versions, since, until, comparison, reason)


def _evidence(tx: Transaction, endpoint: str, since: datetime, until: datetime) -> Evidence:
    """What the report knows of the window, without the profiles of all other features."""
    known = tx.endpoints.get(endpoint)
    service = tx.service_hours.between(endpoint, since, until)
    evidence = Evidence(endpoint, known.deadline_ms, service, known.privacy)
    for ref in {hour.version for hour in service}:
        evidence.versions[ref] = found = tx.models.get(ref)
        reference = Reference.of(found)
        if reference is not None:
            evidence.profiled[ref] = Profiled(reference, Hours.read(reference.spec, []))
    return evidence


def _compare(
    tx: Transaction, evidence: Evidence, version: ModelVersion, column: str, since: datetime, until: datetime
) -> tuple[Comparison | None, str]:
    whole = Reference.of(version)
    if whole is None:
        _check_known(column, _columns(version))
        return None, "there is no reference to compare with; register the model with --reference"
    _check_known(column, whole.spec.slices)
    bins = next(each for each in whole.spec.features if each.name == column)
    spec = ProfileSpec((bins,))
    reference = Reference(version.ref, spec, whole.profile.restricted(spec))
    first = min(since - drift.past(until - since), _first_day(until))
    by_hour = _hours(tx, evidence.endpoint, whole, spec, first, until)
    past = {hour: found for hour, found in by_hour.items() if hour >= since - drift.past(until - since)}
    if None in past.values():
        return None, f"the profiles of {version.ref} cannot be read; the server's log says why"
    cut = DriftWindow.cut(reference, _joined(spec, past), since, until)
    comparison = Comparison(
        check=evidence.judge(bins, cut, alpha=evidence.alpha(since, until)),
        kind=bins.kind,
        reference=reference.profile.summary(column),
        current=cut.profile.summary(column),
        shares=_shares(bins, reference.profile, cut.profile),
        days=_by_day(by_hour, reference, column, until),
    )
    return comparison, ""


def _hours(
    tx: Transaction, endpoint: str, whole: Reference, spec: ProfileSpec, start: datetime, end: datetime
) -> dict[datetime, Profile | None]:
    """Profiles of the one feature by hour; None where one is damaged."""
    found: dict[datetime, Profile | None] = {}
    for _, hour, blob in tx.profiles.between(endpoint, start, end, whole.version):
        try:
            found[hour] = Profile.from_bytes(whole.spec, blob).restricted(spec)
        except ValueError:
            _log.exception("the profile of %s at %s cannot be read", whole.version, hour)
            found[hour] = None
    return found


def _joined(spec: ProfileSpec, by_hour: Mapping[datetime, Profile | None]) -> Hours:
    return Hours.read(spec, [(hour, found.to_bytes()) for hour, found in by_hour.items() if found is not None])


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


def _first_day(until: datetime) -> datetime:
    """The first of the days that are shown."""
    last = (until - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return last - _DAYS + timedelta(days=1)


def _by_day(
    by_hour: Mapping[datetime, Profile | None], reference: Reference, column: str, until: datetime
) -> list[FeatureDay]:
    """The last weeks; days without rows are there too."""
    first = _first_day(until)
    total = {first + timedelta(days=number): Profile(reference.spec) for number in range(_DAYS.days)}
    damaged = {hour.replace(hour=0) for hour, profile in by_hour.items() if profile is None}
    for hour, profile in by_hour.items():
        day = hour.replace(hour=0)
        if profile is not None and day in total:
            total[day].merge(profile)
    return [_day(day, None if day in damaged else profile, reference, column) for day, profile in total.items()]


def _day(day: datetime, profile: Profile | None, reference: Reference, column: str) -> FeatureDay:
    if profile is None:
        return FeatureDay(day, 0, None, None, None)
    found, counts = profile.summary(column), profile.counts(column)
    known = reference.profile.counts(column)
    enough = counts.sum() >= FEWEST_ROWS and known.sum() > 0
    severity = analyze(known, counts).jensen_shannon if enough else None
    return FeatureDay(day, found.rows, found.missing_share, found.mean, severity)
