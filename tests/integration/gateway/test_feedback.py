"""Labels, decisions and rewards over a real server, on the disk before they are acknowledged."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interlock.predictions.records import DecisionsRecord, RewardsRecord

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


def test_a_number_that_the_log_cannot_hold_is_named(server: Any, price_world: Any) -> None:
    text = '{"labels": [{"prediction_id": "p", "label": 1' + "0" * 400 + '}, {"prediction_id": "p", "label": 2}]}'
    body = server.client.post("/endpoints/price/labels", content=text).json()
    assert (body["accepted"], body["rejected"][0]["index"]) == (1, 0)


def test_a_decision_is_kept_apart_from_labels(size_server: Any, world: Any) -> None:
    given = [
        {"request_id": "case-7", "decision": "big", "observed_at": "2026-01-01T00:00:00Z"},
        {"prediction_id": "p1", "decision": "small", "source": "night shift"},
        {"prediction_id": "p1", "decision": "escalate"},
        {"prediction_id": "p1", "label": "big"},
    ]
    body = size_server.client.post("/endpoints/size/decisions", json={"decisions": given}).json()
    assert body["accepted"] == 2
    errors = [each["error"] for each in body["rejected"]]
    assert errors[0] == 'decision == "escalate", must be one of "small", "big"'
    assert errors[1].startswith('"label" is not known; a decision has prediction_id, request_id')
    (record,) = world.feedback()
    assert isinstance(record, DecisionsRecord)
    assert [(each.request_id, each.decision, each.source) for each in record.decisions] == [
        ("case-7", "big", "human"),
        (None, "small", "night shift"),
    ]


def test_rewards_are_numbers_by_name(server: Any, price_world: Any) -> None:
    given = [
        {"prediction_id": "p1", "name": "revenue", "value": 3},
        {"request_id": "mine", "request_row": 2, "name": "click", "value": 0.0, "weight": 0.5},
        {"prediction_id": "p1", "name": "Revenue", "value": 3},
        {"prediction_id": "p1", "name": 7, "value": 3},
        {"prediction_id": "p1", "name": "revenue", "value": "3"},
        {"prediction_id": "p1", "name": "revenue", "value": True},
        {"prediction_id": "p1", "value": 3},
        {"prediction_id": "p1", "name": "revenue"},
    ]
    body = server.client.post("/endpoints/price/rewards", json={"rewards": given}).json()
    assert (body["accepted"], [each["index"] for each in body["rejected"]]) == (2, [2, 3, 4, 5, 6, 7])
    (record,) = price_world.feedback()
    assert isinstance(record, RewardsRecord)
    assert [(each.name, each.value, each.request_row, each.weight) for each in record.rewards] == [
        ("revenue", 3.0, 0, 1.0),
        ("click", 0.0, 2, 0.5),
    ]


def test_what_is_accepted_is_counted_by_kind(server: Any) -> None:
    key = {"prediction_id": "p1"}
    bodies: dict[str, dict[str, Any]] = {
        "labels": {"label": 1},
        "decisions": {"decision": 2},
        "rewards": {"name": "revenue", "value": 3},
    }
    for noun, said in bodies.items():
        server.client.post(f"/endpoints/price/{noun}", json={noun: [{**key, **said}] * 2})
    page = server.client.get("/metrics").text
    assert 'interlock_labels_total{endpoint="price"} 2.0' in page
    for kind in ("label", "decision", "reward"):
        assert f'interlock_feedback_total{{endpoint="price",kind="{kind}"}} 2.0' in page


@pytest.mark.parametrize("noun", ["labels", "decisions", "rewards"])
@pytest.mark.parametrize("entries", [None, [], {}, [1]])
def test_malformed_feedback_is_refused(shared: Any, noun: str, entries: Any) -> None:
    body = {} if entries is None else {noun: entries}
    assert shared.client.post(f"/endpoints/price/{noun}", json=body).status_code == 400


@pytest.mark.parametrize("noun", ["labels", "decisions", "rewards"])
def test_feedback_for_unknown_endpoints_is_refused(shared: Any, noun: str) -> None:
    assert shared.client.post(f"/endpoints/nope/{noun}", json={noun: [{}]}).status_code == 404
