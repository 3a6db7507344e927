"""Counts refused requests for monitoring, by hour of the event, field and rule, and keeps a few of their bodies.

Called by the collector. Gateways bound what they write (`gateway/rejections.py`); nothing here grows with traffic.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.predictions.records import RejectedRecord, RejectedSample
from interlock.predictions.service_counting import HOUR_US, hour_at
from interlock.store.rejections import RejectedBody, RejectionKey
from interlock.store.transaction import Transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RejectionCounting:
    """What a batch of segments brought."""

    counts: Counter[RejectionKey]
    bodies: list[RejectedBody]

    def add_to(self, tx: Transaction) -> None:
        """Add it to the store."""
        if self.counts:
            tx.rejections.add_all(self.counts)
        if self.bodies:
            tx.rejections.keep(self.bodies)


def count(given: Iterable[tuple[str, Sequence[RejectedRecord]]]) -> RejectionCounting:
    """Add up records, by the spool they are from."""
    counts: Counter[RejectionKey] = Counter()
    bodies: dict[tuple[str, datetime, str, int], RejectedBody] = {}
    for spool, records in given:
        for record in records:
            for one in record.counts:
                counts[RejectionKey(record.endpoint, hour_at(one.hour), one.field, one.rule)] += one.requests
            for sample in record.samples:
                body = _body(record.endpoint, spool, sample)
                bodies[body.endpoint, body.hour, spool, body.slot] = body
    return RejectionCounting(counts, list(bodies.values()))


def _body(endpoint: str, spool: str, sample: RejectedSample) -> RejectedBody:
    return RejectedBody(
        endpoint=endpoint,
        hour=hour_at(sample.at_us // HOUR_US),
        spool=spool,
        slot=sample.slot,
        at=_EPOCH + timedelta(microseconds=sample.at_us),
        reason=sample.reason,
        body=sample.body,
    )
