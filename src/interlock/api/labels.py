"""The ledger of labels over the network: what came, what it matches, how late it is; every version of a label."""

from typing import Any

from fastapi import APIRouter

from interlock.api.access import GuardedRoute, needs
from interlock.api.logged import check_logged, commit_what_waits
from interlock.api.monitoring import Since, Until, aware
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.predictions.ledger import FEEDBACK_KINDS

router = APIRouter(prefix="/endpoints/{endpoint}/labels", tags=["labels"], route_class=GuardedRoute)


@router.get("", **needs("read"))
def account(
    endpoint: str, services: Given, since: Since = None, until: Until = None, fresh: bool = True
) -> dict[str, Any]:
    """Labels, decisions and rewards: how many, from whom, what matches no prediction; coverage and delay by day."""
    _prepare(services, endpoint, fresh=fresh)
    ledger, now = services.reader.ledger, services.clock()
    return {
        "endpoint": endpoint,
        **{kind: plain(ledger.stats(endpoint, kind, now=now)) for kind in FEEDBACK_KINDS},
        "days": plain(ledger.by_day(endpoint, since=aware("since", since), until=aware("until", until))),
    }


@router.get("/{prediction_id}", **needs("read"))
def history(endpoint: str, prediction_id: str, services: Given, fresh: bool = True) -> dict[str, Any]:
    """All that was ever said of one prediction, in the order it came. `counts` marks what readers get."""
    _prepare(services, endpoint, fresh=fresh)
    said = services.reader.ledger.history(endpoint, prediction_id)
    return {"endpoint": endpoint, "prediction_id": prediction_id, "history": plain(said)}


def _prepare(services: Given, endpoint: str, *, fresh: bool) -> None:
    check_logged(services, endpoint)
    if fresh:
        commit_what_waits(services.settings)
