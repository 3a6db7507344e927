"""The watch after a promotion: as nobody is left to compare with, the champion before scores its successor's rows.

Two gates, which share the plan's alpha once more. Quality is paired: both versions on the same labelled rows. Failures
are those that callers met, against what the champion before failed while it served during the release: not the same
hour, so harm is only said where the rate is also surely above what the plan allows. Harm rolls back; nothing else does
anything before the time is over.
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from interlock.domain.release import Gate, GateOutcome, Watch
from interlock.releases import quality
from interlock.releases.deciding import ReleaseDecision, harm
from interlock.releases.evidence import Evidence
from interlock.releases.wording import count, finite, percent
from interlock.stats import failure_rate

GATES = ("errors_after", "quality_after")

_CHAMPION, _CHALLENGER = "champion", "challenger"


def turned(rows: pa.Table, step: int) -> pa.Table:
    """The paired rows of the watch, with the promoted version as the challenger that it is to the gates.

    Args:
        rows: As `LogReader.paired` gives them: it calls champion who answered.
        step: Of the watch.
    """
    if rows.num_rows == 0:
        return rows
    names = [_turned_name(name) for name in rows.column_names]
    return rows.filter(pc.fill_null(pc.equal(rows["step"], step), False)).rename_columns(names)


def errors_gate(evidence: Evidence) -> Gate:
    """Judge the failures that callers met since the promotion."""
    watch, plan, release = _watch_of(evidence), evidence.plan, evidence.release
    before = [each for each in evidence.counts if each.step < watch.step and not each.is_challenger]
    units = sum(each.units for each in before)
    # Both bounds hold together: half of the gate's level each.
    base = failure_rate.analyze(sum(each.failed_units for each in before), units, alpha=evidence.alpha / 2)
    after = evidence.step(watch.step, False)
    rate = failure_rate.analyze(after.failed_units, after.units, alpha=evidence.alpha / 2)
    is_known = units >= plan.min_units
    allowed = max(base.upper, plan.max_failure_rate)
    is_harm = is_known and rate.lower > allowed
    outcome: GateOutcome = "breach" if is_harm else "ok" if after.units >= plan.min_units else "not_enough_data"
    if not is_known:
        outcome = "not_comparable"
    sentence = f"errors after the promotion {percent(rate.rate)} of {count(after.units)} requests"
    if is_known:
        sentence += f" against {percent(base.rate)} of {release.champion} before it"
    else:
        sentence += f", and {release.champion} served too few in the release to compare with"
    if is_harm:
        sentence += f", surely over {percent(allowed)}"
    return Gate(
        metric="errors_after",
        outcome=outcome,
        scale="ratio",
        estimate=rate.rate / base.rate if base.rate > 0 else None,
        lower=finite(rate.lower / base.upper) if base.upper > 0 else None,
        upper=finite(rate.upper / base.lower) if base.lower > 0 else None,
        margin=None,
        counts={"champion": units, "challenger": after.units},
        reason=sentence,
        alpha=evidence.alpha,
        details={"champion_failures": sum(each.failed_units for each in before), "failures": after.failed_units},
    )


def quality_gate(evidence: Evidence) -> Gate:
    """Judge the quality of both versions on the rows that the promoted one answered since."""
    found = quality.gate(evidence)
    return msgspec.structs.replace(found, metric=found.metric.replace("quality", "quality_after", 1))


def decide(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    """Decide on a promotion that is watched. See `deciding.Decide`."""
    watch, release = _watch_of(evidence), evidence.release
    served = evidence.step(watch.step, False).units
    harmful = harm(evidence, gates, f"{count(served)} requests since {release.promoted} was promoted")
    if harmful is not None:
        return replace(harmful, reason=harmful.reason.replace("rolled back", f"rolled back to {release.champion}", 1))
    said = "; ".join(gate.reason for gate in gates.values())
    if evidence.at >= watch.until:
        return ReleaseDecision("keep", f"kept: no harm seen in {release.plan.watch_hours:g} hours: {said}")
    return ReleaseDecision("wait", f"watched until {watch.until:%Y-%m-%d %H:%M} UTC: {said}")


def _watch_of(evidence: Evidence) -> Watch:
    if evidence.release.watch is None:
        raise ValueError(f"release {evidence.release.id} has no watch")
    return evidence.release.watch


def _turned_name(name: str) -> str:
    if name.startswith(_CHAMPION):
        return _CHALLENGER + name.removeprefix(_CHAMPION)
    return _CHAMPION + name.removeprefix(_CHALLENGER) if name.startswith(_CHALLENGER) else name
