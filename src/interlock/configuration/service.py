"""A file beside what is there, and a file put in force: everything in one transaction, or nothing."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from interlock.configuration.change import Comparison, Difference
from interlock.configuration.section import Section
from interlock.domain.access import Act, Key
from interlock.domain.configuration import Configuration, parse
from interlock.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from interlock.store.database import Store
from interlock.store.transaction import Transaction


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """What is there, as it would stand in a file.

    Args:
        document: The file's content. Compared with what is there it gives no change.
        notes: What a person should know of it, by place.
    """

    document: dict[str, Any]
    notes: dict[str, str]


class Configurations:
    """What files say of one store.

    Args:
        store: The control plane's store.
        clock: Aware UTC now.
        sections: In the order in which they are put in force.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], sections: Sequence[Section]) -> None:
        self._store, self._clock, self._sections = store, clock, tuple(sections)

    def current(self) -> Current:
        """All that is there and could stand in a file."""
        notes: dict[str, str] = {}
        with self._store.read() as tx:
            return Current(document={each.name: each.current(tx, notes) for each in self._sections}, notes=notes)

    def diff(self, document: Any, *, prune: bool = False) -> Difference:
        """What a file would change.

        Args:
            document: The file's content.
            prune: Whether what is not in the file would be deleted, in the sections that it has.

        Raises:
            InvalidInputError: Every fault, with its place in front.
        """
        wanted = parse(document)
        with self._store.read() as tx:
            return self._compare(tx, wanted, prune=prune).difference

    def apply(
        self, document: Any, *, prune: bool = False, deletes: Collection[str] | None = None, actor: Key
    ) -> Difference:
        """Put a file in force. Its models are registered already.

        Args:
            document: The file's content.
            prune: As of `diff`.
            deletes: Places of what may be deleted, as `diff` showed them to a person; None is all that `prune` finds.
            actor: Who asks.

        Returns:
            What was changed, and what was left as it is.

        Raises:
            InvalidInputError: Every fault, with its place in front.
            ConflictError: It would break a running release, which is named; or a model is not registered; or more would
                be deleted than was agreed to.
            ForbiddenError: The key may not change a section that would change.
        """
        wanted = parse(document)
        with self._store.transaction() as tx:
            found = self._compare(tx, wanted, prune=prune).difference
            if found.conflicts:
                raise ConflictError("; ".join(map(str, found.conflicts)))
            _check_agreed(found, deletes)
            self._check_allowed(found, actor)
            act = Act(actor, self._clock())
            for section in self._sections:
                section.put(tx, wanted, [each for each in found.changes if each.section == section.name], act)
            if found.changes:
                done = [f"{each.action} {each.section} {each.subject}" for each in found.changes]
                tx.audit.append(act.at, actor.name, actor.role, "config.apply", "configuration", {"changes": done})
        return found

    def _compare(self, tx: Transaction, wanted: Configuration, *, prune: bool) -> Comparison:
        found = Comparison(prune=prune)
        for section in self._sections:
            section.compare(tx, wanted, found)
        if found.faults:
            raise InvalidInputError(*map(str, found.faults))
        return found

    def _check_allowed(self, found: Difference, actor: Key) -> None:
        changed = {each.section for each in found.changes}
        for section in self._sections:
            if section.name in changed and not actor.may(section.permission):
                raise ForbiddenError(
                    f"key {actor.name!r} (role {actor.role}) may not change {section.name}; that needs "
                    f"{section.permission}"
                )


def _check_agreed(found: Difference, deletes: Collection[str] | None) -> None:
    gone = [each.place for each in found.changes if each.action == "delete"]
    new = [place for place in gone if deletes is not None and place not in deletes]
    if new:
        raise ConflictError(f"{', '.join(new)} came after it was compared, and would be deleted too; apply again")
