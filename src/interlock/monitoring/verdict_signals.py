"""What a stored verdict says to the alert rules. Called by `alerting` for every verdict, once."""

from collections.abc import Iterator
from datetime import timedelta

from interlock.domain.alert import Rule
from interlock.domain.errors import NotFoundError
from interlock.domain.verdict import Check, Verdict
from interlock.monitoring.alert_rules import BROKEN, BY_SIGNAL, SILENT
from interlock.monitoring.observation import Observation, key_of
from interlock.store.transaction import Transaction

_HAS_DATA = ("ok", "breach")

# The same weekday first: nobody is surprised by a quiet Sunday. The day before, for who is younger than a week.
_COMPARED_WITH = (timedelta(days=7), timedelta(days=1))


def observations(tx: Transaction, verdict: Verdict) -> Iterator[Observation]:
    """The looks that a verdict is. A version that serves no more is nobody's concern."""
    check = verdict.check
    if check.version is not None and not serves(tx, verdict.endpoint, check.version):
        return
    if check.outcome in _HAS_DATA:
        yield _look(verdict, BY_SIGNAL[check.signal], is_bad=check.outcome == "breach")
    if check.outcome != "no_data":
        yield _look(verdict, BROKEN, is_bad=check.outcome == "error")
    if check.name == "requests":
        # Without any request nobody knows the version; with some, each version has a verdict.
        is_bad = check.outcome == "no_data" and check.version is None and _was_there(tx, verdict)
        if is_bad or check.outcome in _HAS_DATA:
            yield _look(verdict, SILENT, is_bad=is_bad, of_version=False)
    elif check.signal == "quality" and check.outcome != "error":
        yield _look(verdict, SILENT, is_bad=check.outcome == "no_data" and _was_there(tx, verdict))


def serves(tx: Transaction, endpoint: str, version: str) -> bool:
    """Whether a version is in an endpoint's traffic; where there is no plan, nobody can say that it is not."""
    try:
        plan = tx.plans.current(endpoint)
    except NotFoundError:
        return True
    return version in plan.shares


def _look(verdict: Verdict, rule: Rule, *, is_bad: bool, of_version: bool = True) -> Observation:
    version = verdict.check.version if of_version else None
    return Observation(
        rule=rule,
        endpoint=verdict.endpoint,
        key=key_of(rule.name, version or "", verdict.check.name),
        start=verdict.window_start,
        end=verdict.window_end,
        is_bad=is_bad,
        sentence=_sentence(verdict.check),
        version=version,
    )


def _sentence(check: Check) -> str:
    what = check.name if check.version is None else f"{check.name} of {check.version}"
    reason = check.details.get("reason")
    if check.outcome == "error":
        return f"{what} could not be checked: {reason}"
    if check.outcome == "no_data":
        return f"{what} has no data: {reason}"
    if reason:
        return f"{what}: {reason}"
    value = "not known" if check.value is None else f"{check.value:.4g}"
    return f"{what} is {value}; expected {check.expected}"


def _was_there(tx: Transaction, verdict: Verdict) -> bool:
    """Whether the check had data when it should have had some now.

    Only what was said first counts: labels that are always late come into every verdict later.
    """
    for gap in _COMPARED_WITH:
        start, end = verdict.window_start - gap, verdict.window_end - gap
        said = [
            each.check.outcome in _HAS_DATA
            for each in tx.verdicts.list(verdict.endpoint, start, end)
            if each.revision == 0
            and each.check.name == verdict.check.name
            and (verdict.check.version is None or each.check.version == verdict.check.version)
        ]
        if said:
            return any(said)
    return False
