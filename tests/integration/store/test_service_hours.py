from datetime import UTC, datetime

import numpy as np

from interlock.stats.log_histogram import SIZE
from interlock.store import Store
from interlock.store.service_hours import ServiceDelta

ONE, TWO = datetime(2026, 1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_counts_of_an_hour_add_up(store: Store) -> None:
    latency = np.zeros(SIZE, dtype=np.int64)
    latency[3] = 4
    with store.transaction() as tx:
        for hour in (ONE, ONE, TWO):
            tx.service_hours.add(ServiceDelta("wine", "m:1", hour, 4, 1, 8, latency))
    with store.read() as tx:
        (found,) = tx.service_hours.between("wine", ONE, TWO)
    assert (found.version, found.hour, found.requests, found.failures, found.rows) == ("m:1", ONE, 8, 2, 16)
    assert found.latency_counts == tuple((latency * 2).tolist())
