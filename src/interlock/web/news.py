"""What changed since somebody last looked: releases that ended, incidents that opened, versions that were registered.

Called by the overview. A visitor whose key is limited to endpoints hears of these alone.
"""

from dataclasses import dataclass
from datetime import datetime

from interlock.store.transaction import Transaction
from interlock.web import states
from interlock.web.access import Visitor
from interlock.web.states import State

_MOST = 8


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened, and where to read of it."""

    at: datetime
    state: State
    subject: str
    text: str
    where: str


def since(tx: Transaction, visitor: Visitor, at: datetime) -> tuple[list[News], int]:
    """What happened after a time, newest first.

    Returns:
        The newest, and how many more there are.
    """
    found = [*_releases(tx, visitor, at), *_alerts(tx, visitor, at), *_versions(tx, visitor, at)]
    found.sort(key=lambda each: each.at, reverse=True)
    return found[:_MOST], max(0, len(found) - _MOST)


def _releases(tx: Transaction, visitor: Visitor, at: datetime) -> list[News]:
    return [
        News(
            each.finished_at,
            states.release(each.state),
            each.endpoint,
            f"{each.candidate}: {each.decision.reason}" if each.decision else each.candidate,
            f"/releases/{each.id}",
        )
        for each in tx.releases.list()
        if each.finished_at is not None and each.finished_at > at and visitor.may("read", each.endpoint)
    ]


def _alerts(tx: Transaction, visitor: Visitor, at: datetime) -> list[News]:
    return [
        News(
            each.opened_at,
            states.alert(each),
            each.endpoint or "server",
            each.title.partition(": ")[2] or each.title,
            f"/alerts/{each.id}",
        )
        for each in tx.alerts.list()
        if each.opened_at > at and visitor.may("read", each.endpoint)
    ]


def _versions(tx: Transaction, visitor: Visitor, at: datetime) -> list[News]:
    if visitor.key.endpoints:
        return []
    return [
        News(
            each.created_at,
            State("ok", "registered"),
            each.ref,
            f"by {each.created_by}",
            f"/models/{each.name}/{each.version}",
        )
        for each in tx.models.list()
        if each.created_at > at
    ]
