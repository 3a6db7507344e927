"""What a section of the file is to the service. A new one is a file here, a field of `Configuration`, a line in
`bootstrap`.
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
