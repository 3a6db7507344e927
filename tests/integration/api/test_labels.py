from typing import Any

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
