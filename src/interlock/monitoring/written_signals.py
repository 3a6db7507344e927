"""What a stored verdict says to the rules that people wrote. Called by `alerting` for every verdict, once.

They look at the value, whatever the check itself makes of it: who writes `below: 0.6` knows why.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from interlock.domain.alert import Rule
from interlock.domain.alert_rule import WrittenRule
from interlock.domain.verdict import Verdict
from interlock.monitoring.observation import Observation, key_of
from interlock.monitoring.verdict_signals import serves
from interlock.store.transaction import Transaction

_DAY = timedelta(days=1)


def observations(tx: Transaction, verdict: Verdict, rules: Sequence[WrittenRule]) -> Iterator[Observation]:
    """The looks that a verdict is to these rules. A version that serves no more is nobody's concern."""
    check = verdict.check
    wanted = [rule for rule in rules if not rule.off and rule.check == check.name]
    if not wanted or check.value is None:
        return
    if check.version is not None and not serves(tx, verdict.endpoint, check.version):
        return
    what = check.name if check.version is None else f"{check.name} of {check.version}"
    for rule in wanted:
        if rule.endpoint in ("", verdict.endpoint) and check.rows >= rule.fewest_rows:
            yield Observation(
                rule=rule_of(rule),
                endpoint=verdict.endpoint,
                key=key_of(rule.name, check.version or "", check.name),
                start=verdict.window_start,
                end=verdict.window_end,
                is_bad=rule.is_bad(check.value),
                sentence=f"{what} is {check.value:.4g}, {rule.bound} is alerted of",
                version=check.version,
            )


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
