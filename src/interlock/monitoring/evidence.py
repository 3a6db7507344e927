"""All that monitoring knows of an endpoint in a stretch of time, read once and judged window by window.

Called by the report and by the monitoring loop. Reading is one store transaction; judging touches nothing. What is
broken (a damaged profile, a version that is gone) becomes a check with the outcome `error` and its reason, and is
logged: it takes nothing else with it.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

import msgspec
import pyarrow as pa

from interlock.domain.contract import PrivacyRule
from interlock.domain.endpoint import Detector
from interlock.domain.errors import InterlockError
from interlock.domain.model import ModelVersion
from interlock.domain.privacy import effective, withheld_sentence
from interlock.domain.verdict import Check, Signal
from interlock.monitoring import drift, estimate, quality, rejection_checks, service_checks
from interlock.monitoring.drift import LOOK_ALPHA, DriftWindow, check_feature, signal_of
from interlock.monitoring.labelled import by_version
from interlock.monitoring.scored_rows import ScoredRows
from interlock.monitoring.windows import Hours, Reference
from interlock.predictions.profiling import is_made_of
from interlock.stats.profile_bins import FeatureBins
from interlock.store.rejections import Rejection
from interlock.store.service_hours import ServiceHour
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Profiled:
    """One version's hours, and what they are compared with."""

    reference: Reference
    hours: Hours


@dataclass
class Evidence:
    """What was read. `broken` says why a version cannot be judged; `privacy` holds the endpoint's own rules."""

    endpoint: str
    deadline_ms: float
    service: list[ServiceHour]
    privacy: Mapping[str, PrivacyRule] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    versions: dict[str, ModelVersion] = field(default_factory=dict)
    profiled: dict[str, Profiled] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    detectors: tuple[Detector, ...] = ()

    @classmethod
    def read(
        cls, tx: Transaction, endpoint: str, start: datetime, end: datetime, *, past: timedelta = timedelta(0)
    ) -> "Evidence":
        """Read the hours of every version from `start` up to but not with `end`.

        Args:
            past: Of so long before `start` profiles are read too, and nothing else.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        known = tx.endpoints.get(endpoint)
        evidence = cls(
            endpoint,
            known.deadline_ms,
            tx.service_hours.between(endpoint, start, end),
            known.privacy,
            tx.rejections.between(endpoint, start, end),
            detectors=known.concept_detectors,
        )
        stored = sorted(tx.profiles.between(endpoint, start - past, end), key=itemgetter(0, 1))
        blobs = {ref: [(hour, blob) for _, hour, blob in found] for ref, found in groupby(stored, itemgetter(0))}
        for ref in sorted({hour.version for hour in evidence.service} | blobs.keys()):
            evidence._read_version(tx, ref, blobs.get(ref, []))
        return evidence

    def _read_version(self, tx: Transaction, ref: str, blobs: list[tuple[datetime, bytes]]) -> None:
        try:
            self.versions[ref] = version = tx.models.get(ref)
            reference = Reference.of(version)
            if reference is not None:
                self.profiled[ref] = Profiled(reference, Hours.read(reference.spec, blobs))
        except (InterlockError, ValueError, KeyError, TypeError) as error:
            _log.exception("endpoint %s: the profiles of %s cannot be read", self.endpoint, ref)
            self.broken[ref] = f"the profiles of {ref} cannot be read: {error}"

    def present(self, start: datetime, end: datetime) -> list[str]:
        """Versions that were asked or answered in the window."""
        seen = {hour.version for hour in self.service if start <= hour.hour < end}
        for ref, profiled in self.profiled.items():
            if any(start <= hour < end for hour in profiled.hours.starts):
                seen.add(ref)
        return sorted(seen)

    def hours_between(self, start: datetime, end: datetime) -> int:
        """Hours of the window with traffic."""
        return len({hour.hour for hour in self.service if start <= hour.hour < end})

    def rows(self, start: datetime, end: datetime) -> dict[str, int]:
        """Rows answered in the window, by the version they were assigned to."""
        total: dict[str, int] = {}
        for hour in self.service:
            if start <= hour.hour < end:
                total[hour.version] = total.get(hour.version, 0) + hour.rows
        return total

    def alpha(self, start: datetime, end: datetime) -> float:
        """What each check of a look may spend: the look's budget, divided by the checks that can raise an alarm."""
        tests = 1  # what was refused
        for ref in self.present(start, end):
            features = len(self.profiled[ref].reference.spec.features) if ref in self.profiled else 0
            metrics = len(quality.METRICS[self.versions[ref].contract.task]) if ref in self.versions else 0
            estimates = len(estimate.metrics(self.versions[ref])) if ref in self.versions else 0
            tests += 1 + features + metrics + estimates
        return LOOK_ALPHA / max(1, tests)

    def service_and_drift(self, start: datetime, end: datetime) -> list[Check]:
        """Judge refusals, service, inputs and outputs of a window. `drift.past` before it must have been read too."""
        present, alpha = self.present(start, end), self.alpha(start, end)
        refused = [one for one in self.rejections if start <= one.hour < end]
        found: list[Check] = []
        if present or refused:
            answered = sum(hour.requests for hour in self.service if start <= hour.hour < end)
            found.append(rejection_checks.check(refused, answered, alpha=alpha))
        if not present:
            return [*found, _nothing("requests", "service", "no request in this window was answered")]
        for ref in present:
            hours = [hour for hour in self.service if hour.version == ref and start <= hour.hour < end]
            found += service_checks.checks(ref, hours, deadline_ms=self.deadline_ms, alpha=alpha)
            found += self._drift(ref, start, end, alpha)
        return found

    def _drift(self, ref: str, start: datetime, end: datetime, alpha: float) -> Iterator[Check]:
        if ref in self.broken:
            yield _broken("drift", "input", ref, self.broken[ref])
        elif ref not in self.profiled:
            for signal in ("input", "output"):
                reason = "no reference to compare with; register the model with --reference"
                yield _nothing("drift", signal, reason, ref)
        else:
            reference, hours = self.profiled[ref].reference, self.profiled[ref].hours
            window = DriftWindow.cut(reference, hours.window(start - drift.past(end - start), end), start, end)
            for bins in reference.spec.features:
                yield self.judge(bins, window, alpha=alpha)

    def judge(self, bins: FeatureBins, window: DriftWindow, *, alpha: float) -> Check:
        """Judge one feature of a window; if that fails, say so."""
        ref = window.reference.version
        try:
            return self._told(ref, bins.name, check_feature(bins, window, alpha=alpha))
        except (ValueError, ArithmeticError) as error:
            _log.exception("endpoint %s: drift of %s of %s failed", self.endpoint, bins.name, ref)
            return _broken(f"drift.{bins.name}", signal_of(bins.name), ref, f"{type(error).__name__}: {error}")

    def _told(self, ref: str, feature: str, check: Check) -> Check:
        """A check that has no data, with the reason for it if that is a privacy rule."""
        if check.outcome != "no_data" or ref not in self.versions:
            return check
        rules = [column for column in self._withheld(ref) if is_made_of(feature, column)]
        if not rules:
            return check
        return msgspec.structs.replace(check, details={**check.details, "reason": withheld_sentence(rules)})

    def _withheld(self, ref: str) -> list[str]:
        """Columns that privacy rules keep out of the log for a version."""
        return sorted(effective([self.versions[ref].contract], self.privacy))

    def estimates(self, scored: ScoredRows, start: datetime, end: datetime) -> list[Check]:
        """Estimate the quality of a window from the scores in it, and say whether that can be believed."""
        alpha = self.alpha(start, end)
        checks: list[Check] = []
        for ref in self.present(start, end):
            version = self.versions.get(ref)
            if version is None or not estimate.metrics(version):
                continue
            try:
                checks += estimate.checks(version, scored.window(ref, start, end, alpha))
            except (ValueError, ArithmeticError, LookupError, TypeError, pa.ArrowException) as error:
                _log.exception("endpoint %s: quality of %s cannot be estimated", self.endpoint, ref)
                checks.append(_broken("estimate", "estimate", ref, f"{type(error).__name__}: {error}"))
        return checks

    def judged(self, start: datetime, end: datetime) -> dict[str, ModelVersion]:
        """Versions that answered in the window and whose answers the log holds."""
        present = [self.versions[ref] for ref in self.present(start, end) if ref in self.versions]
        answers = {"output.label", "output.prediction"}
        return {version.ref: version for version in present if not answers & set(self._withheld(version.ref))}

    def quality(self, labelled: pa.Table, start: datetime, end: datetime) -> list[Check]:
        """Judge the quality of a window.

        Args:
            labelled: Rows of the window, joined with their labels.
            start, end: The window.
        """
        alpha, answered, found = self.alpha(start, end), self.rows(start, end), by_version(labelled)
        checks: list[Check] = []
        for ref in self.present(start, end):
            version = self.versions.get(ref)
            if version is None:
                checks.append(_broken("quality", "quality", ref, self.broken[ref]))
                continue
            if unlogged := sorted({"output.label", "output.prediction"} & set(self._withheld(ref))):
                checks.append(_nothing("quality", "quality", withheld_sentence(unlogged), ref))
                continue
            rows = found.get(ref, labelled.slice(0, 0))
            try:
                checks += quality.checks(version, rows, answered=answered.get(ref, 0), alpha=alpha)
            except (ValueError, ArithmeticError, KeyError, pa.ArrowException) as error:
                _log.exception("endpoint %s: quality of %s cannot be measured", self.endpoint, ref)
                checks.append(_broken("quality", "quality", ref, f"{type(error).__name__}: {error}"))
        return checks


def _nothing(name: str, signal: Signal, reason: str, version: str | None = None) -> Check:
    details = {"reason": reason}
    return Check(
        name=name, signal=signal, version=version, outcome="no_data", value=None, expected="data", details=details
    )


def _broken(name: str, signal: Signal, version: str, reason: str) -> Check:
    details = {"reason": reason}
    return Check(
        name=name,
        signal=signal,
        version=version,
        outcome="error",
        value=None,
        expected="a working check",
        details=details,
    )
