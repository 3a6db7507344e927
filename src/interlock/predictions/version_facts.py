"""What the collector needs to know of a version: types for the log, bins for the profiles."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.predictions.log_schema import field_types
from interlock.stats.profile_bins import ProfileSpec
from interlock.store.database import Store


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """Types by `input.<name>` and `output.<name>`; bins, or None for a version with no reference profile."""

    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    spec: ProfileSpec | None = None


class KnownVersions:
    """Facts by `name:version`, read once: versions never change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._facts: dict[str, VersionFacts] = {}

    def get(self, ref: str) -> VersionFacts:
        """Facts of a version; nothing is known of one that the store does not have, and its values tell their types."""
        if ref not in self._facts:
            try:
                with self._store.read() as tx:
                    version = tx.models.get(ref)
            except (NotFoundError, InvalidInputError):
                return VersionFacts()
            spec = (version.profile or {}).get("spec")
            self._facts[ref] = VersionFacts(
                field_types(version.contract), ProfileSpec.from_dict(spec) if spec else None
            )
        return self._facts[ref]

    def types(self, ref: str) -> Mapping[str, pa.DataType]:
        """Types of a version's fields."""
        return self.get(ref).types
