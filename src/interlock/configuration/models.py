"""The section `models`: which versions there are, by their content.

Versions never change and are never deleted, so a file can only add some. Registering needs their content, which who
applies the file has: here it is only said what is missing.
"""

from collections.abc import Sequence
from typing import Any

from interlock.configuration.change import Change, Comparison, FieldChange
from interlock.domain.access import Act
from interlock.domain.configuration import Configuration, ConfiguredVersion
from interlock.domain.document import Fault
from interlock.domain.errors import ConflictError
from interlock.domain.model import ModelVersion
from interlock.domain.names import version_ref
from interlock.store.transaction import Transaction

_SHOWN = 12


class Models:
    """Versions by the model's name."""

    name = "models"
    permission = "operate"

    def compare(self, tx: Transaction, wanted: Configuration, found: Comparison) -> None:
        """Each entry takes the oldest version of its content that no entry before it took, or the one it names."""
        models = wanted.models or {}
        for name, entries in models.items():
            left = tx.models.list(name)
            following = tx.models.next_version(name)
            for number, entry in enumerate(entries):
                place = f"models.{name}[{number}]"
                there = _of(entry, left)
                if there is not None:
                    left.remove(there)
                    _compare(place, entry, there, found)
                elif _can_be_registered(place, entry, following, left, found):
                    ref = version_ref(name, following)
                    found.planned.add(ref)
                    found.change("register", place, ref, (FieldChange("source", None, entry.source),))
                    following += 1
            found.unmanaged += [f"models.{version.ref}" for version in left]
        found.unmanaged += [f"models.{version.ref}" for version in tx.models.list() if version.name not in models]

    def put(self, tx: Transaction, wanted: Configuration, changes: Sequence[Change], act: Act) -> None:  # noqa: ARG002
        """Raises ConflictError: they are registered with their content, before the rest is put in force."""
        if changes:
            refs = ", ".join(change.subject for change in changes)
            raise ConflictError(f"{refs} must be registered first; `interlock apply` does both")

    def current(self, tx: Transaction, notes: dict[str, str]) -> Any:
        """By name; each version by its number and its content."""
        found: dict[str, list[dict[str, Any]]] = {}
        for version in tx.models.list():
            entries = found.setdefault(version.name, [])
            notes[f"models.{version.name}[{len(entries)}]"] = _about(version)
            entries.append({"version": version.version, "digest": version.digest})
        return found


def _of(entry: ConfiguredVersion, versions: Sequence[ModelVersion]) -> ModelVersion | None:
    """The version that an entry means, among those that no other entry means."""
    fits = [
        version
        for version in versions
        if version.digest == entry.digest
        and entry.entry in (None, version.entry)
        and entry.version in (None, version.version)
    ]
    return fits[0] if fits else None


def _compare(place: str, entry: ConfiguredVersion, there: ModelVersion, found: Comparison) -> None:
    """What an entry says otherwise of a version that is there already stays as it is."""
    parent = there.lineage.get("parent")
    if entry.parent is not None and entry.parent != parent:
        found.notes.append(
            Fault(f"{place}.parent", f"{there.ref} was registered with parent {parent or 'none'}, which stays")
        )


def _can_be_registered(
    place: str, entry: ConfiguredVersion, following: int, left: Sequence[ModelVersion], found: Comparison
) -> bool:
    before = len(found.faults)
    if entry.source is None:
        found.fault(f"{place}.source", "is missing, and no version has this content; say where its file is")
    elif entry.digest is None:
        found.fault(f"{place}.digest", "is missing; `interlock apply` computes it from the source")
    if entry.version not in (None, following):
        taken = next((version for version in left if version.version == entry.version), None)
        has = f"{taken.ref} is there with other content (sha256 {taken.digest[:_SHOWN]}...)" if taken else ""
        found.fault(
            f"{place}.version", f"{has or f'{entry.version} cannot be'}; the next number is {following}, and versions "
            "never change",
        )  # fmt: skip
    return len(found.faults) == before


def _about(version: ModelVersion) -> str:
    origin = version.lineage.get("origin")
    came = f" from {origin}" if origin else ""
    return f"{version.model_format}{came}, registered {version.created_at:%Y-%m-%d} by {version.created_by}"
