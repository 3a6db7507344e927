"""The section `online_learning`: what is declared for each endpoint, as `interlock endpoint learn` takes it."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from interlock.configuration.change import Change, Comparison, FieldChange
from interlock.domain.access import Act
from interlock.domain.configuration import Configuration
from interlock.domain.learner import Cursor
from interlock.domain.online import OnlineLearning, faults_of
from interlock.learning.online_declaring import check_version, put
from interlock.store.transaction import Transaction


class OnlineLearningSection:
    """Declarations by endpoint. One in the file is the whole of it: what it does not give is the default.

    Args:
        newest: How far the labels of an endpoint go, where learning begins.
    """

    name = "online_learning"
    # Snapshots may serve by themselves.
    permission = "admin"

    def __init__(self, newest: Callable[[str], Cursor]) -> None:
        self._newest = newest

    def compare(self, tx: Transaction, wanted: Configuration, found: Comparison) -> None:
        """Faults and changes, endpoint by endpoint."""
        there = tx.online_learnings.list()
        for endpoint, declared in (wanted.online_learning or {}).items():
            place = f"online_learning.{endpoint}"
            for fault in faults_of(declared):
                found.fault(place, fault)
            with found.faults_at(place):
                if endpoint not in (wanted.endpoints or {}):
                    tx.endpoints.get(endpoint)
                if declared.model is not None and declared.model not in found.planned:
                    check_version(tx.models.get(declared.model))
            old = there.get(endpoint)
            if old != declared:
                found.change("change" if old else "create", place, endpoint, _fields(old, declared))
        for endpoint in sorted(there.keys() - (wanted.online_learning or {}).keys()):
            found.rest(f"online_learning.{endpoint}", endpoint, is_listed=wanted.online_learning is not None)

    def put(self, tx: Transaction, wanted: Configuration, changes: Sequence[Change], act: Act) -> None:
        """Each in the place of the one before."""
        for change in changes:
            declared = None if change.action == "delete" else (wanted.online_learning or {})[change.subject]
            put(tx, change.subject, declared, act, self._newest(change.subject))

    def current(self, tx: Transaction, notes: dict[str, str]) -> Any:
        """By endpoint, what is not the default; beside it where its learner is."""
        for learner in tx.learners.list():
            notes[f"online_learning.{learner.endpoint}"] = f"{learner.state}, at {learner.good}"
        return {endpoint: _written(declared) for endpoint, declared in tx.online_learnings.list().items()}


def _written(declared: OnlineLearning) -> dict[str, Any]:
    blank, given = msgspec.to_builtins(OnlineLearning()), msgspec.to_builtins(declared)
    return {name: value for name, value in given.items() if name == "serve" or value != blank[name]}


def _fields(old: OnlineLearning | None, new: OnlineLearning) -> tuple[FieldChange, ...]:
    before = msgspec.to_builtins(old or OnlineLearning())
    after = msgspec.to_builtins(new)
    return tuple(
        FieldChange(name, before[name] if old else None, after[name]) for name in after if before[name] != after[name]
    )
