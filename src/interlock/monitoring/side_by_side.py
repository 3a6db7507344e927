"""Two windows or two versions of an endpoint beside each other: service, every column, quality.

Called by the API and the pages. It reads stored profiles and labels, and says how large differences are. It judges
nothing: windows that a person chose by what they look like are no sample, so a verdict on them would be none.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import hypot

import pyarrow.compute as pc

from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.monitoring import quality
from interlock.monitoring.drift import FEWEST_ROWS
from interlock.monitoring.quality import FEWEST_LABELS, Measure, Quality
from interlock.monitoring.recent import Served, served
from interlock.monitoring.windows import HOUR, Reference
from interlock.predictions.reader import LogReader
from interlock.stats.profile import FeatureSummary, Profile, merge_all
from interlock.stats.profile_bins import FeatureBins
from interlock.stats.two_sample import analyze
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)

WEEK = timedelta(days=7)
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Side:
    """One side: a version in a window of event time, in whole hours. None is what `SideBySide.compare` says."""

    version: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a side was. `labels` counts labelled rows."""

    version: str
    since: datetime
    until: datetime
    rows: int
    service: Served
    labels: int


@dataclass(frozen=True, slots=True)
class ColumnPair:
    """One column on both sides.

    Args:
        severity: Jensen-Shannon distance between both, 0 to 1; None where it cannot be told.
        p_value: Of a difference this large where there is none, if rows were independent; of this column alone.
        reason: Why not; empty if it can.
    """

    column: str
    severity: float | None
    one: FeatureSummary | None
    other: FeatureSummary | None
    reason: str = ""
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class MetricPair:
    """A measure of quality on both sides; `lower` and `upper` bound `other - one` at 95 %, if both are known."""

    name: str
    one: float | None
    other: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides, columns that differ most first, and quality where both have labels enough."""

    one: Seen
    other: Seen
    columns: tuple[ColumnPair, ...]
    metrics: tuple[MetricPair, ...]


class SideBySide:
    """Compares.

    Args:
        store: Profiles and counts of service.
        reader: Labels.
    """

    def __init__(self, store: Store, reader: LogReader) -> None:
        self._store, self._reader = store, reader

    def compare(self, endpoint: str, one: Side, other: Side) -> Compared:
        """Set two sides beside each other.

        Args:
            endpoint: Whose.
            one, other: What is left open: `other` is the last week up to the newest event, `one` the time of the same
                length before it, or, if only its version is given, the same time; the version with the most rows.

        Raises:
            NotFoundError: There is no such endpoint or version, or nothing has been asked of it.
            InvalidInputError: A window has no length or is too long, or both sides are the same.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            latest = tx.profiles.latest_hour(endpoint)
            if latest is None:
                raise NotFoundError("traffic", endpoint)
            since, until = _window(other, latest + HOUR - WEEK, latest + HOUR)
            length = until - since
            same = one.since is None and one.until is None and one.version is not None
            begins, ends = _window(one, since if same else since - length, until if same else since)
            sides = [
                _side(tx, endpoint, one.version, begins, ends), _side(tx, endpoint, other.version, since, until)
            ]  # fmt: skip
        if (sides[0].version, begins, ends) == (sides[1].version, since, until):
            raise InvalidInputError("both sides are the same version in the same window; change one of them")
        found = [self._quality(endpoint, each) for each in sides]
        seen = [
            Seen(each.version, each.since, each.until, each.rows, each.service, known.labels)
            for each, known in zip(sides, found, strict=True)
        ]
        return Compared(seen[0], seen[1], _columns(*sides), _metrics(*found))

    def _quality(self, endpoint: str, side: "_Side") -> Quality:
        rows = self._reader.labelled(endpoint, since=side.since, until=side.until, columns=quality.COLUMNS)
        of_version = rows.filter(pc.equal(rows["version"], side.version))
        with self._store.read() as tx:
            contract = tx.models.get(side.version).contract
        return quality.measure(contract, of_version)


@dataclass(frozen=True, slots=True)
class _Side:
    version: str
    since: datetime
    until: datetime
    rows: int
    service: Served
    reference: Reference | None
    profile: Profile | None


def _window(side: Side, since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Whole hours."""
    given = (side.since, side.until)
    if given[0] is not None and given[1] is None:
        since, until = given[0], given[0] + (until - since)
    elif given[1] is not None:
        since, until = given[0] or given[1] - (until - since), given[1]
    begins = since.replace(minute=0, second=0, microsecond=0)
    ends = until.replace(minute=0, second=0, microsecond=0)
    ends += HOUR if ends < until else timedelta()
    if not timedelta() < ends - begins <= _LONGEST:
        asked = f"window == {begins.isoformat()} to {ends.isoformat()}"
        raise InvalidInputError(f"{asked}, must have a length, and at most {_LONGEST.days} days")
    return begins, ends


def _side(tx: Transaction, endpoint: str, version: str | None, since: datetime, until: datetime) -> _Side:
    hours = tx.service_hours.between(endpoint, since, until)
    rows: dict[str, int] = {}
    for hour in hours:
        rows[hour.version] = rows.get(hour.version, 0) + hour.rows
    busiest = max(rows, key=lambda ref: (rows[ref], ref), default=None)
    chosen = version or busiest or tx.plans.current(endpoint).champion
    reference = Reference.of(tx.models.get(chosen))
    profile = None
    if reference is not None:
        blobs = [blob for _, _, blob in tx.profiles.between(endpoint, since, until, chosen)]
        try:
            profile = merge_all(reference.spec, blobs)
        except ValueError:
            _log.exception("profiles of %s cannot be read", chosen)
    of_version = [hour for hour in hours if hour.version == chosen]
    return _Side(chosen, since, until, rows.get(chosen, 0), served(of_version), reference, profile)


def _columns(one: _Side, other: _Side) -> tuple[ColumnPair, ...]:
    if one.reference is None or other.reference is None or one.profile is None or other.profile is None:
        return ()
    mine = {each.name: each for each in one.reference.spec.features}
    theirs = {each.name: each for each in other.reference.spec.features}
    names = [*mine, *(name for name in theirs if name not in mine)]
    found = [_column(name, (one, mine.get(name)), (other, theirs.get(name))) for name in names]
    return tuple(sorted(found, key=lambda each: (-(each.severity or 0.0), each.column)))


def _column(name: str, one: tuple[_Side, FeatureBins | None], other: tuple[_Side, FeatureBins | None]) -> ColumnPair:
    profiles = [side.profile if bins else None for side, bins in (one, other)]
    first, second = (each.summary(name) if each else None for each in profiles)
    if one[1] is None or other[1] is None:
        return ColumnPair(name, None, first, second, f"only {(one if one[1] else other)[0].version} has it")
    if one[1] != other[1]:
        return ColumnPair(name, None, first, second, "the references of both versions have other bins")
    counts = [each.counts(name) for each in profiles if each]
    rows = min(int(each.sum()) for each in counts)
    if rows < FEWEST_ROWS:
        return ColumnPair(name, None, first, second, f"{rows} rows, at least {FEWEST_ROWS} are needed")
    found = analyze(*counts)
    return ColumnPair(name, found.jensen_shannon, first, second, p_value=found.p_value)


def _metrics(one: Quality, other: Quality) -> tuple[MetricPair, ...]:
    names: Sequence[str] = list(dict.fromkeys([*one.measures, *other.measures]))
    return tuple(_metric(name, _known(one, name), _known(other, name)) for name in names)


def _known(found: Quality, name: str) -> Measure | None:
    return found.measures.get(name) if found.labels >= FEWEST_LABELS else None


def _metric(name: str, one: Measure | None, other: Measure | None) -> MetricPair:
    values = (one.value if one else None, other.value if other else None)
    errors = (one.standard_error if one else None, other.standard_error if other else None)
    if one is None or other is None or errors[0] is None or errors[1] is None:
        return MetricPair(name, *values)
    half, difference = quality.SHOWN * hypot(errors[0], errors[1]), other.value - one.value
    return MetricPair(name, *values, difference - half, difference + half)
