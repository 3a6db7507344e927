"""What a file would change: told before it is done, and as it was done."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from interlock.domain.document import Fault
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError

Action = Literal["register", "create", "change", "delete"]


class FieldChange(msgspec.Struct, frozen=True):
    """One field, before and after. What is secret is shown without the secret."""

    name: str
    old: Any
    new: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would change.

    Args:
        action: What is done. Who applies registers models before everything else, with their content.
        place: Where in the file: `endpoints.wine`. Of what is deleted, where it would be.
        subject: What: `wine`, or `wine:2` of a version.
        fields: What of it; all that is given, of what is new.
    """

    action: Action
    place: str
    subject: str
    fields: tuple[FieldChange, ...] = ()

    @property
    def section(self) -> str:
        """The section of the file."""
        return self.place.partition(".")[0].partition("[")[0]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside what is there.

    Args:
        changes: In the order in which they are made.
        unmanaged: What is there and not in the file, and stays: `endpoints.beer`.
        notes: What a person should know and no change follows from, by place.
        conflicts: Why nothing of it can be done now: what would break a running release.
    """

    changes: tuple[Change, ...] = ()
    unmanaged: tuple[str, ...] = ()
    notes: tuple[Fault, ...] = ()
    conflicts: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Comparison:
    """A difference in the making.

    Args:
        prune: Whether what is not in the file is to be deleted, in the sections that it has.
        planned: Versions that will be there once the file's models are registered.
        faults: What the file says and cannot be.
    """

    prune: bool = False
    planned: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    unmanaged: list[str] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    conflicts: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def change(self, action: Action, place: str, subject: str, fields: tuple[FieldChange, ...] = ()) -> None:
        """Note a change."""
        self.changes.append(Change(action=action, place=place, subject=subject, fields=fields))

    def rest(self, place: str, subject: str, *, is_listed: bool) -> bool:
        """Note what the file does not have. Returns whether it is to be deleted.

        Args:
            place: Where it would be.
            subject: Its name.
            is_listed: Whether the file has the section.
        """
        if self.prune and is_listed:
            self.change("delete", place, subject)
            return True
        self.unmanaged.append(place)
        return False

    def fault(self, place: str, text: str) -> None:
        """Note what cannot be."""
        self.faults.append(Fault(place, text))

    @contextmanager
    def faults_at(self, place: str) -> Iterator[None]:
        """Whatever is refused inside is a fault of this place."""
        try:
            yield
        except InvalidInputError as error:
            self.faults += [Fault(place, fault) for fault in error.faults]
        except (NotFoundError, ConflictError) as error:
            self.fault(place, str(error))

    @property
    def difference(self) -> Difference:
        """What was found."""
        return Difference(
            changes=tuple(self.changes),
            unmanaged=tuple(self.unmanaged),
            notes=tuple(self.notes),
            conflicts=tuple(self.conflicts),
        )
