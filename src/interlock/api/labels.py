"""The ledger of labels over the network: what came, what it matches, how late it is; every version of a label."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from interlock.api.access import GuardedRoute, needs
from interlock.api.logged import check_logged, commit_what_waits
from interlock.api.monitoring import Since, Until, aware
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.api.streaming import receive, stream
from interlock.domain.errors import NotFoundError
from interlock.predictions.hashing import Hasher
from interlock.predictions.key_hashes import add_hashes
from interlock.predictions.ledger import FEEDBACK_KINDS
from interlock.predictions.streams import Match

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


@router.post("/match", **needs("label"))
async def match(
    endpoint: str,
    request: Request,
    services: Given,
    on: Annotated[str | None, Query(description="the column that the key was, if the rows have a key")] = None,
    fresh: bool = True,
) -> Response:
    """Which predictions the rows of a file mean.

    The body is an Arrow IPC stream with the column `prediction_id`; or `request_id` and `request_row`; or `key` (text)
    and `event_at`. So is the answer, with `row`, `outcome` (matched, unmatched, ambiguous) and `prediction_id`.
    """
    await run_in_threadpool(partial(_prepare, services, endpoint, fresh=fresh))
    file = await receive(request, "rows.arrow")
    key = await run_in_threadpool(_log_key, services, endpoint, on)
    if key is not None:
        await run_in_threadpool(add_hashes, file, Hasher(services.settings.home))
    return await stream(services.settings.log, Match(endpoint=endpoint, file=str(file), key=key), file.parent)


def _log_key(services: Given, endpoint: str, on: str | None) -> str | None:
    """What a file's key is in the log: as the endpoint declares, else the input (or `unit`) of the same name."""
    if on is None:
        return None
    with services.store.read() as tx:
        try:
            return tx.endpoints.get(endpoint).label_key or on
        except NotFoundError:  # deleted; its log stays
            return on


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
