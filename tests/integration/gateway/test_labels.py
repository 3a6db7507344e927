"""Labels over a real server, on the disk before they are acknowledged."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

URL = "/endpoints/size/labels"


@pytest.fixture
def size_server(world: Any, start: Callable[..., Any], models: Any) -> Iterator[Any]:
    world.plan("size", world.register("size:1", models.SIZE, models.size_model()))
    with start(world) as found:
        yield found


def test_good_labels_are_kept_and_bad_ones_named(size_server: Any, world: Any) -> None:
    labels = [
        {"prediction_id": "p1", "label": "big", "observed_at": "2026-01-01T00:00:00Z", "source": "people", "weight": 2},
        {"prediction_id": "p2", "label": "huge"},
        {"request_id": "mine", "request_row": 3, "label": "small"},
        {"label": "big"},
        {"prediction_id": "p3", "request_id": "mine", "label": "big"},
        {"prediction_id": "p4"},
        {"prediction_id": "p5", "label": None},
        {"prediction_id": "p6", "label": "big", "observed_at": "yesterday"},
        {"prediction_id": "p7", "label": "big", "weight": -1},
        {"prediction_id": "p8", "label": "big", "request_row": 1.5},
        {"prediction_id": "p9", "label": "big", "colour": "red"},
        {"prediction_id": 10, "label": "big"},
        {"prediction_id": "p11", "label": "big", "observed_at": "2999-01-01T00:00:00Z"},
    ]
    answer = size_server.client.post(URL, json={"labels": labels})
    body = answer.json()
    assert answer.status_code == 200
    assert body["accepted"] == 2
    assert [entry["index"] for entry in body["rejected"]] == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert body["rejected"][0]["error"] == 'label == "huge", must be one of "small", "big"'
    (record,) = world.labels()
    first, second = record.labels
    assert (first.prediction_id, first.label, first.source, first.weight) == ("p1", "big", "people", 2.0)
    assert first.observed_at_us == 1_767_225_600_000_000
    assert (second.request_id, second.request_row, second.source) == ("mine", 3, "natural")
    assert second.observed_at_us == record.at_us


def test_regression_takes_numbers_only(server: Any, price_world: Any) -> None:
    labels = [{"prediction_id": "p", "label": label} for label in (1, 2.5, "3", True)]
    body = server.client.post("/endpoints/price/labels", json={"labels": labels}).json()
    assert body["accepted"] == 2
    assert [label.label for label in price_world.labels()[0].labels] == [1, 2.5]


@pytest.mark.parametrize("body", [{}, {"labels": []}, {"labels": {}}, {"labels": [1]}, []])
def test_malformed_labels_are_refused(server: Any, body: Any) -> None:
    assert server.client.post("/endpoints/price/labels", json=body).status_code == 400


def test_labels_of_unknown_endpoints_are_refused(server: Any) -> None:
    answer = server.client.post("/endpoints/nope/labels", json={"labels": [{"prediction_id": "p", "label": 1}]})
    assert answer.status_code == 404
