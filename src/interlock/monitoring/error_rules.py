"""Rules by which rows have a tag. Called by the API and the pages; the audit log has each act."""

from collections.abc import Callable
from datetime import datetime

from interlock.domain.access import Key
from interlock.domain.error_rule import ErrorRule
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.domain.names import check_name
from interlock.domain.row_condition import parse, spell
from interlock.predictions.mistakes import Mistakes
from interlock.store.database import Store

MOST = 50
"""Rules of an endpoint: each is asked of every row of a window."""


class ErrorRules:
    """Rules of endpoints.

    Args:
        store: Where they are.
        mistakes: Knows which columns an endpoint's log has.
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, mistakes: Mistakes, clock: Callable[[], datetime]) -> None:
        self._store, self._mistakes, self._clock = store, mistakes, clock

    def list(self, endpoint: str) -> list[ErrorRule]:
        """All of an endpoint, by tag.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            return tx.error_rules.list(endpoint)

    def put(self, endpoint: str, tag: str, where: str, *, actor: Key) -> ErrorRule:
        """Make a rule, or put it in the place of that of the same tag.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: The tag is no name, or the condition is none, or cannot be asked of this endpoint's log.
            ConflictError: The endpoint has too many.
        """
        check_name("tag", tag)
        conditions = parse(where)
        if not conditions:
            raise InvalidInputError("a rule needs a condition, like `temp > 30 and origin = EWR`")
        at = self._clock()
        rule = ErrorRule(endpoint=endpoint, tag=tag, conditions=conditions, created_at=at, created_by=actor.name)
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            self._mistakes.answers(endpoint).where(conditions)
            known = {each.tag for each in tx.error_rules.list(endpoint)}
            if tag not in known and len(known) >= MOST:
                raise ConflictError(f"{endpoint!r} has {len(known)} rules, the most there can be; remove one first")
            tx.error_rules.put(rule)
            tx.audit.append(
                at, actor.name, actor.role, "error.rule", endpoint, {"tag": tag, "where": spell(conditions)}
            )
        return rule

    def remove(self, endpoint: str, tag: str, *, actor: Key) -> None:
        """Forget a rule. Tags by hand stay.

        Raises:
            NotFoundError: There is no such endpoint, or no such rule.
        """
        at = self._clock()
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            if not tx.error_rules.remove(endpoint, tag):
                raise NotFoundError("rule", tag, [each.tag for each in tx.error_rules.list(endpoint)])
            tx.audit.append(at, actor.name, actor.role, "error.unrule", endpoint, {"tag": tag})
