"""Rules by which rows of the log have a tag."""

import builtins

from sqlalchemy import and_, delete, select

from interlock.domain.error_rule import ErrorRule
from interlock.store.repository import Repository
from interlock.store.tables import error_rules


class ErrorRuleRepository(Repository):
    """Rules by endpoint and tag."""

    def put(self, rule: ErrorRule) -> None:
        """Keep a rule, in the place of that of the same tag."""
        self._put(error_rules, {"endpoint": rule.endpoint, "tag": rule.tag}, {"body": rule})

    def remove(self, endpoint: str, tag: str) -> bool:
        """Forget a rule. Returns whether it was there."""
        where = and_(error_rules.c.endpoint == endpoint, error_rules.c.tag == tag)
        return bool(self._connection.execute(delete(error_rules).where(where)).rowcount)

    def list(self, endpoint: str) -> builtins.list[ErrorRule]:
        """All of an endpoint, by tag."""
        query = select(error_rules.c.body).where(error_rules.c.endpoint == endpoint)
        return builtins.list(self._connection.scalars(query.order_by(error_rules.c.tag)))
