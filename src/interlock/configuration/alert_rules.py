"""The section `alert_rules`: those that people write, as `interlock alert rules apply` takes them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from interlock.configuration.change import Change, Comparison, FieldChange
from interlock.domain.access import Act
from interlock.domain.alert_rule import WrittenRule, faults_of
from interlock.domain.configuration import Configuration
from interlock.monitoring.alert_rules import DEFAULTS
from interlock.monitoring.alerts import replace_rules
from interlock.store.transaction import Transaction

_DEFAULTS = [rule.name for rule in DEFAULTS]


class AlertRules:
    """Rules by name. A rule in the file is the whole of it: what it does not give is the default."""

    name = "alert_rules"
    permission = "operate"

    def compare(self, tx: Transaction, wanted: Configuration, found: Comparison) -> None:
        """Faults and changes, rule by rule."""
        there = {rule.name: rule for rule in tx.alert_rules.list()}
        seen: set[str] = set()
        for number, rule in enumerate(wanted.alert_rules or ()):
            place = f"alert_rules[{number}]"
            for fault in faults_of(rule, _DEFAULTS):
                found.fault(place, fault)
            if rule.name in seen:
                found.fault(f"{place}.name", f"{rule.name!r} is there already; two rules need two names")
            seen.add(rule.name)
            old = there.get(rule.name)
            if old != rule:
                found.change("change" if old else "create", place, rule.name, _fields(old, rule))
        for name in sorted(there.keys() - seen):
            found.rest(f"alert_rules.{name}", name, is_listed=wanted.alert_rules is not None)

    def put(self, tx: Transaction, wanted: Configuration, changes: Sequence[Change], act: Act) -> None:
        """One list in the place of the other."""
        if not changes:
            return
        rules = {rule.name: rule for rule in (*tx.alert_rules.list(), *(wanted.alert_rules or ()))}
        for change in changes:
            if change.action == "delete":
                del rules[change.subject]
        replace_rules(tx, [rules[name] for name in sorted(rules)], act)

    def current(self, tx: Transaction, notes: dict[str, str]) -> Any:  # noqa: ARG002 (nothing to say of rules)
        """Those that people wrote, without what is the default."""
        blank = msgspec.to_builtins(WrittenRule(name=""))
        written = [msgspec.to_builtins(rule) for rule in tx.alert_rules.list()]
        return [{name: value for name, value in rule.items() if value != blank[name]} for rule in written]


def _fields(old: WrittenRule | None, new: WrittenRule) -> tuple[FieldChange, ...]:
    before = old or WrittenRule(name=new.name)
    pairs = [(name, getattr(before, name), getattr(new, name)) for name in WrittenRule.__struct_fields__]
    return tuple(FieldChange(name, was if old else None, now) for name, was, now in pairs if was != now)
