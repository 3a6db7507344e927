"""Alert rules that people wrote, by name. Those that nobody needs to write are in the program."""

import builtins
from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from interlock.domain.alert_rule import WrittenRule
from interlock.store.repository import Repository
from interlock.store.tables import alert_rules


class AlertRuleRepository(Repository):
    """The rules of the file that was applied last."""

    def list(self) -> builtins.list[WrittenRule]:
        """All, by name."""
        return list(self._connection.scalars(select(alert_rules.c.body).order_by(alert_rules.c.name)))

    def replace(self, rules: Sequence[WrittenRule]) -> None:
        """Put these in the place of all that were there."""
        self._connection.execute(delete(alert_rules))
        if rules:
            self._connection.execute(insert(alert_rules), [{"name": rule.name, "body": rule} for rule in rules])
