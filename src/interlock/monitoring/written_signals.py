"""What a stored verdict says to the rules that people wrote. Called by `alerting` for every verdict, once.

They look at the value, whatever the check itself makes of it: who writes `below: 0.6` knows why.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from interlock.domain.alert import Rule
from interlock.domain.alert_rule import VOLUME, WrittenRule
from interlock.domain.verdict import Verdict
from interlock.monitoring import usual
from interlock.monitoring.observation import Observation, key_of
from interlock.monitoring.usual import Usual
from interlock.monitoring.verdict_signals import serves
from interlock.store.transaction import Transaction

_DAY = timedelta(days=1)


def observations(tx: Transaction, verdict: Verdict, rules: Sequence[WrittenRule]) -> Iterator[Observation]:
    """The looks that a verdict is to these rules. A version that serves no more is nobody's concern."""
    check = verdict.check
    for rule in rules:
        if rule.off or rule.endpoint not in ("", verdict.endpoint):
            continue
        if rule.check == VOLUME and check.name == "requests":
            found, version = usual.volume(tx, verdict, rule), None
        elif rule.check == check.name and check.rows >= rule.fewest_rows and _serves(tx, verdict):
            found, version = _value(tx, verdict, rule), check.version
        else:
            continue
        if found is not None:
            yield Observation(
                rule=rule_of(rule),
                endpoint=verdict.endpoint,
                key=key_of(rule.name, version or "", rule.check),
                start=verdict.window_start,
                end=verdict.window_end,
                is_bad=found.is_bad,
                sentence=found.sentence,
                version=version,
            )


def _serves(tx: Transaction, verdict: Verdict) -> bool:
    return verdict.check.version is None or serves(tx, verdict.endpoint, verdict.check.version)


def _value(tx: Transaction, verdict: Verdict, rule: WrittenRule) -> Usual | None:
    check = verdict.check
    if rule.unusual:
        return usual.value(tx, verdict, rule)
    if check.value is None:
        return None
    what = check.name if check.version is None else f"{check.name} of {check.version}"
    return Usual(rule.is_bad(check.value), f"{what} is {check.value:.4g}, {rule.bound} is alerted of")


def rule_of(written: WrittenRule) -> Rule:
    """What `incidents` needs to know of a written rule."""
    return Rule(
        name=written.name,
        severity=written.severity,
        bad_for=written.days * _DAY,
        over_after=written.over_after_days * _DAY,
        cooldown=_DAY,
        action=written.action,
    )
