import io
from typing import Any

import pyarrow as pa
import pytest

URL = "/api/v1/endpoints/wine/labels"


def ask(plane: Any, path: str, role: str = "viewer", **query: Any) -> Any:
    return plane.client.get(path, headers=plane.header(role), params={"fresh": "false", **query})


def test_the_account_of_labels_tells_what_came_and_what_matches_nothing(logged_plane: Any) -> None:
    found = ask(logged_plane, URL).json()
    labels = found["labels"]
    assert (labels["rows"], labels["predictions"], labels["unmatched"], labels["ambiguous"]) == (3, 1, 1, 0)
    assert labels["unmatched_by_age"] == {"1h": 0, "1d": 0, "7d": 0, "30d": 0, "older": 1}
    assert labels["sources"] == {"human": 1, "natural": 2}
    assert (found["decisions"]["rows"], found["rewards"]["rows"]) == (1, 3)
    days = [(day["day"], day["version"], day["rows"], day["labelled"]) for day in found["days"]]
    assert days == [("2013-04-03", "m:1", 2, 1), ("2013-04-04", "m:2", 1, 0)]


def test_days_are_of_a_range(logged_plane: Any) -> None:
    found = ask(logged_plane, URL, since="2013-04-04T00:00:00Z").json()
    assert [day["day"] for day in found["days"]] == ["2013-04-04"]
    assert ask(logged_plane, URL, since="2013-04-04T00:00:00").status_code == 400


def test_the_history_of_a_prediction_has_every_version_of_its_label(logged_plane: Any) -> None:
    found = ask(logged_plane, f"{URL}/p1-0").json()["history"]
    labels = [(each["value"], each["source"], each["counts"]) for each in found if each["kind"] == "labels"]
    assert labels == [(False, "natural", True), (True, "human", False)]
    assert {each["kind"] for each in found} == {"labels", "decisions", "rewards"}
    assert ask(logged_plane, f"{URL}/unheard-of").json()["history"] == []


@pytest.mark.parametrize("path", [URL, f"{URL}/p1-0"])
def test_only_who_may_read_is_told(logged_plane: Any, path: str) -> None:
    assert ask(logged_plane, path, "scorer").status_code == 403
    assert ask(logged_plane, path, "limited").status_code == 200
    assert ask(logged_plane, path.replace("wine", "beer"), "limited").status_code == 403


def test_an_endpoint_without_a_log_is_empty_and_one_that_never_was_is_unknown(logged_plane: Any) -> None:
    empty = ask(logged_plane, URL.replace("wine", "new")).json()
    assert (empty["labels"]["rows"], empty["days"]) == (0, [])
    assert ask(logged_plane, URL.replace("wine", "never")).status_code == 404
    assert ask(logged_plane, URL.replace("wine", "..%2F..")).status_code == 404


def match(plane: Any, table: pa.Table, role: str = "scorer", endpoint: str = "wine", **query: str) -> Any:
    body = io.BytesIO()
    with pa.ipc.new_stream(body, table.schema) as writer:
        writer.write_table(table)
    url = f"/api/v1/endpoints/{endpoint}/labels/match"
    return plane.client.post(
        url, headers=plane.header(role), params={"fresh": "false", **query}, content=body.getvalue()
    )


def test_rows_of_a_file_are_matched_for_who_may_label(logged_plane: Any) -> None:
    rows = pa.table({"prediction_id": ["p1-0", *(f"nobody-{number:020d}" for number in range(50_000))]})
    assert rows.nbytes > 1_500_000, "more than other bodies may have"
    answer = match(logged_plane, rows)
    found = pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()
    assert found.num_rows == 50_001
    assert found.slice(0, 2).to_pylist() == [
        {"row": 0, "outcome": "matched", "prediction_id": "p1-0"},
        {"row": 1, "outcome": "unmatched", "prediction_id": None},
    ]
    assert match(logged_plane, rows.slice(0, 1), "viewer").status_code == 403
    assert match(logged_plane, rows.slice(0, 1), "limited", endpoint="new").status_code == 403


def test_a_key_is_what_the_file_calls_it_unless_the_endpoint_declares_one(logged_plane: Any) -> None:
    types = pa.schema([("key", pa.string()), ("event_at", pa.timestamp("us", tz="UTC"))])
    rows = pa.table({"key": ["3", "u1"], "event_at": [None, None]}, schema=types)

    def outcomes(on: str) -> Any:
        answer = match(logged_plane, rows, on=on)
        return pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()["outcome"].to_pylist()

    assert outcomes("x") == ["matched", "unmatched"]
    assert outcomes("unit") == ["unmatched", "matched"]
    unknown = match(logged_plane, rows, on="flight")
    assert (unknown.status_code, "no input 'flight' to match by" in unknown.json()["detail"]) == (400, True)
    assert match(logged_plane, rows.drop(["key"]), on="x").status_code == 400
