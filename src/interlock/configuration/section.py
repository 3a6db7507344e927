"""What a section of the file is to the service.

A new one is a file here by this protocol, a field of `domain.configuration.Configuration`, an entry of
`client.config_text` (what stands above it, and an example), and a line in `bootstrap`. Parsing, faults with their
lines, the JSON Schema, diff, apply, prune and export follow from these.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from interlock.configuration.change import Change, Comparison
from interlock.domain.access import Act
from interlock.domain.configuration import Configuration
from interlock.store.transaction import Transaction


class Section(Protocol):
    """One section."""

    @property
    def name(self) -> str:
        """As in the file."""

    @property
    def permission(self) -> str:
        """What a key needs to change something in it."""

    def compare(self, tx: Transaction, wanted: Configuration, found: Comparison) -> None:
        """Note what would change, what stays unmanaged, and what cannot be."""

    def put(self, tx: Transaction, wanted: Configuration, changes: Sequence[Change], act: Act) -> None:
        """Make changes that `compare` has found in the same transaction, each with its entry in the audit log."""

    def current(self, tx: Transaction, notes: dict[str, str]) -> Any:
        """What is there, as it would stand in a file; and what of it a person should know, by place."""
