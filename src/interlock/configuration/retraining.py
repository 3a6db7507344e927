"""The section `retraining`: what is declared for each endpoint, as `interlock endpoint retraining` takes it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from interlock.configuration.change import Change, Comparison, FieldChange
from interlock.domain.access import Act
from interlock.domain.configuration import Configuration
from interlock.domain.retraining import Retraining, faults_of
from interlock.learning.declaring import CheckRoad, check_there, put
from interlock.store.transaction import Transaction


class RetrainingSection:
    """Declarations by endpoint. One in the file is the whole of it: what it does not give is the default.

    Args:
        check_road: Looks at how a declaration wants versions released.
    """

    name = "retraining"
    # It may name code that the server runs.
    permission = "admin"

    def __init__(self, check_road: CheckRoad) -> None:
        self._check_road = check_road

    def compare(self, tx: Transaction, wanted: Configuration, found: Comparison) -> None:
        """Faults and changes, endpoint by endpoint."""
        there = tx.retrainings.list()
        for endpoint, declared in (wanted.retraining or {}).items():
            place = f"retraining.{endpoint}"
            for fault in faults_of(declared):
                found.fault(place, fault)
            with found.faults_at(place):
                check_there(declared)
                if endpoint not in (wanted.endpoints or {}):
                    tx.endpoints.get(endpoint)
                if declared.release is not None:
                    self._check_road(endpoint, declared.release.strategy, declared.release.plan)
            old = there.get(endpoint)
            if old != declared:
                found.change("change" if old else "create", place, endpoint, _fields(old, declared))
        for endpoint in sorted(there.keys() - (wanted.retraining or {}).keys()):
            found.rest(f"retraining.{endpoint}", endpoint, is_listed=wanted.retraining is not None)

    def put(self, tx: Transaction, wanted: Configuration, changes: Sequence[Change], act: Act) -> None:
        """Each in the place of the one before."""
        for change in changes:
            declared = None if change.action == "delete" else (wanted.retraining or {})[change.subject]
            put(tx, change.subject, declared, act)

    def current(self, tx: Transaction, notes: dict[str, str]) -> Any:  # noqa: ARG002 (nothing to say of them)
        """By endpoint, the trainer and what is not the default."""
        return {endpoint: _written(declared) for endpoint, declared in tx.retrainings.list().items()}


def _written(declared: Retraining) -> dict[str, Any]:
    blank, given = msgspec.to_builtins(Retraining()), msgspec.to_builtins(declared)
    return {name: value for name, value in given.items() if name == "trainer" or value != blank[name]}


def _fields(old: Retraining | None, new: Retraining) -> tuple[FieldChange, ...]:
    before = msgspec.to_builtins(old or Retraining())
    after = msgspec.to_builtins(new)
    return tuple(
        FieldChange(name, before[name] if old else None, after[name]) for name in after if before[name] != after[name]
    )
