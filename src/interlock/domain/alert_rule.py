"""Alert rules that people write: a threshold on the value of a check, or a default rule that is switched off."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import msgspec

from interlock.domain.alert import Action, Severity
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name

_YEAR = (366, "1 to 366")  # more is a slip of the pen, and far more is no length of time at all
_COUNTS = {"days": _YEAR, "over_after_days": _YEAR, "fewest_rows": (1 << 62, "at least 1")}

VOLUME = "volume"
"""Requests by the hour: no check of `interlock monitor`, but what a rule with `unusual` can look at."""

_WEEKS = (3, 52)
_MOST_CHANCE = 0.1


class WrittenRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a rules file.

    Args:
        name: As alerts show it.
        check: The check whose value is looked at, as `interlock monitor` names it: `accuracy`, `drift.temp`.
        endpoint: Whose; empty is all that have such a check.
        below, above: Bad is a value below, or above.
        unusual: Bad is a value that past weeks do not explain. One of the three.
        weeks: So many of them, with `unusual`.
        chance: Probability of a false alarm on a day, with `unusual`.
        severity: Of the incident.
        days: Bad for so many days in a row before it fires.
        over_after_days: Good for so many days in a row before it is over.
        fewest_rows: A value from fewer rows or labels is not looked at.
        action: What is done when it fires: `pause` the endpoint's release, `roll_back` its traffic, or `retrain`.
        off: Switch a default rule off, by its name. Nothing else is given then.
    """

    name: str
    check: str = ""
    endpoint: str = ""
    below: float | None = None
    above: float | None = None
    unusual: bool = False
    weeks: int = 8
    chance: float = 0.001
    severity: Severity = "critical"
    days: int = 1
    over_after_days: int = 1
    fewest_rows: int = 1
    action: Action | None = None
    off: bool = False

    def is_bad(self, value: float) -> bool:
        """Whether a value is as it should not be."""
        return (self.below is not None and value < self.below) or (self.above is not None and value > self.above)

    @property
    def bound(self) -> str:
        """What is bad, in words."""
        return f"below {self.below:g}" if self.below is not None else f"above {self.above:g}"


def parse(document: Mapping[str, Any], defaults: Sequence[str]) -> list[WrittenRule]:
    """Read what a rules file holds.

    Args:
        document: `{"rules": [...]}`.
        defaults: Names of the default rules, which alone can be switched off and cannot be used otherwise.

    Raises:
        InvalidInputError: Every fault of every rule.

    Examples:
        >>> parse({"rules": [{"name": "low", "check": "accuracy", "below": 0.6}]}, [])[0].bound
        'below 0.6'
    """
    entries = document.get("rules")
    if not isinstance(entries, list) or set(document) != {"rules"}:
        raise InvalidInputError("a rules file is a mapping with `rules`, a list, and nothing else")
    rules, faults = [], []
    for number, entry in enumerate(entries, 1):
        try:
            rule = msgspec.convert(entry, WrittenRule)
        except msgspec.ValidationError as error:
            faults.append(f"rule {number}: {error}")
            continue
        rules.append(rule)
        faults += [f"rule {number} ({rule.name}): {fault}" for fault in faults_of(rule, defaults)]
    names = [rule.name for rule in rules]
    faults += [
        f"rule {name} is there {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1
    ]
    if faults:
        raise InvalidInputError(*faults)
    return rules


def faults_of(rule: WrittenRule, defaults: Sequence[str]) -> list[str]:
    """What is wrong with a rule by itself.

    Args:
        rule: As read.
        defaults: Names of the default rules.
    """
    if rule.off:
        known = f"off: true is for default rules: {', '.join(defaults)}"
        return [] if rule.name in defaults and rule == WrittenRule(name=rule.name, off=True) else [known]
    faults = [f"name is one of a default rule: {', '.join(defaults)}"] if rule.name in defaults else []
    for kind, name in (("rule", rule.name), ("endpoint", rule.endpoint or "any")):
        try:
            check_name(kind, name)
        except InvalidInputError as error:
            faults.append(str(error))
    if not rule.check:
        faults.append("check is missing; `interlock monitor` names them")
    if [rule.below is not None, rule.above is not None, rule.unusual].count(True) != 1:
        faults.append("give one of below, above and unusual: true, and not two")
    faults += _faults_of_unusual(rule)
    if not all(isfinite(bound) for bound in (rule.below, rule.above) if bound is not None):
        faults.append("below and above must be numbers, and not infinite ones")
    for field, (most, spelt) in _COUNTS.items():
        if not 1 <= getattr(rule, field) <= most:
            faults.append(f"{field} == {getattr(rule, field)}, must be {spelt}")
    return faults


def _faults_of_unusual(rule: WrittenRule) -> list[str]:
    faults = []
    if rule.check == VOLUME and not rule.unusual:
        faults.append("check: volume is requests by the hour, for unusual: true; those of a day are `requests`")
    if not _WEEKS[0] <= rule.weeks <= _WEEKS[1]:
        faults.append(f"weeks == {rule.weeks}, must be {_WEEKS[0]} to {_WEEKS[1]}")
    if not 0 < rule.chance <= _MOST_CHANCE:
        faults.append(f"chance == {rule.chance}, must be over 0 and at most {_MOST_CHANCE}")
    return faults
