"""What callers are told when too much waits."""

from typing import Any

import pytest

ROW = {"inputs": [{"name": "m", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 1]}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/models/price/infer", ROW),
        ("/v2/models/price/versions/1/infer", ROW),
        ("/endpoints/price/invocations", {"instances": [[1.0, 1]]}),
        ("/v1/models/price:predict", {"instances": [[1.0, 1]]}),
    ],
)
def test_full_lane_asks_to_come_again_later(
    shared: Any, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    monkeypatch.setattr("interlock.gateway.lane.MOST_CALLS", 0)
    answer = shared.client.post(path, json=body)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "requests wait for price:1 already; try again later" in answer.json()["error"]


def test_one_page_of_metrics_or_statistics_is_read_at_a_time(shared: Any) -> None:
    """Pages are read from files: many at once would take the threads that everything else needs."""
    from concurrent.futures import ThreadPoolExecutor

    for path in ("/metrics", "/v2/models/price/stats"):
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _, path=path: shared.client.get(path), range(48)))
        statuses = {answer.status_code for answer in answers}
        assert statuses <= {200, 503}
        assert all(answer.headers["Retry-After"] == "1" for answer in answers if answer.status_code == 503)
        assert shared.client.get(path).status_code == 200
