"""The A/B test: units are split at random between champion and candidates, and a verdict says what that did.

    its groups do not come out as split ─────────► stopped: not comparable, all traffic to the champion
    a candidate does harm by any gate ───────────► withdrawn; the last one: rolled back, the champion stays
    a candidate is surely better ────────────────► told, and held for a person; or promoted, where the plan says so
    no candidate differs by what is worth knowing ► told, and held for a person

Valid however often one looks. What the verdict says of the metric holds for units as they were assigned.
"""

from collections.abc import Mapping

from interlock.domain.release import Gate
from interlock.releases import arms
from interlock.releases.deciding import ReleaseDecision, broken, confidence, harmful_arm, waiting
from interlock.releases.evidence import SAMPLE_RATIO, Evidence
from interlock.releases.wording import count, percent

GATES = (SAMPLE_RATIO, "effect", "errors", "latency")


def decide(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    """Decide on a test that has begun. See `deciding.Decide`."""
    if gates[SAMPLE_RATIO].outcome == "not_comparable":
        return ReleaseDecision("roll_back", f"stopped: {gates[SAMPLE_RATIO].reason}")
    harmful = harmful_arm(evidence, gates)
    if harmful is not None:
        return harmful
    missing = broken(gates)
    if missing:
        return waiting(missing)
    if not arms.is_last_stage(evidence.release):
        return _at_early_stage(evidence)
    return _verdict(evidence, gates)


def _at_early_stage(evidence: Evidence) -> ReleaseDecision:
    """What an early stage asks: enough units in it, and no harm seen."""
    few = [
        f"{count(units)} of {count(evidence.plan.min_units)} requests of {version} at this share"
        for version in evidence.release.remaining
        if (units := _units_of_stage(evidence, version)) < evidence.plan.min_units
    ]
    if few:
        return waiting(few)
    share = percent(evidence.plan.steps[evidence.release.stage + 1])
    return ReleaseDecision("advance", f"advanced to {share} for all candidates together, no harm seen")


def _units_of_stage(evidence: Evidence, version: str) -> int:
    since = evidence.release.stages[-1]
    return sum(each.units for each in evidence.counts if each.version == version and each.step >= since)


def _verdict(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:
    effects = {version: gates[f"effect {version}"] for version in evidence.release.remaining}
    better = {version: effect for version, effect in effects.items() if effect.details.get("verdict") == "better"}
    if better:
        winner = max(better, key=lambda version: _gain(better[version]))
        unsure = [gate.reason for gate in gates.values() if gate.version == winner and gate.outcome != "ok"]
        return waiting(unsure) if unsure else _won(evidence, winner, effects)
    undecided = [
        effect.reason if effect.outcome != "ok" else f"not decided yet: {effect.reason}"
        for effect in effects.values()
        if effect.details.get("verdict") != "no_difference"
    ]
    if undecided:
        return waiting(undecided)
    sentences = "; ".join(effect.reason for effect in effects.values())
    least = percent(evidence.plan.mde)
    reason = f"no difference of at least {least}: {sentences}, {confidence(evidence)}, after {_units(effects)}"
    return ReleaseDecision("hold", f"{reason}; a person decides what is kept")


def _won(evidence: Evidence, winner: str, effects: Mapping[str, Gate]) -> ReleaseDecision:
    others = [effect.reason for version, effect in effects.items() if version != winner]
    reason = f"{winner} wins: {effects[winner].reason}, {confidence(evidence)}, after {_units(effects)}"
    reason = "; ".join([reason, *others])
    if evidence.plan.promote_winner:
        return ReleaseDecision("promote", f"promoted: {reason}", version=winner)
    return ReleaseDecision("ask", f"{reason}; a person decides whether it is promoted", version=winner)


def _gain(effect: Gate) -> float:
    estimate = effect.estimate or 0.0
    return estimate if effect.details["goal"] == "maximise" else -estimate


def _units(effects: Mapping[str, Gate]) -> str:
    champion = max((effect.counts["champion"] for effect in effects.values()), default=0)
    return f"{count(champion + sum(effect.counts['challenger'] for effect in effects.values()))} units"
