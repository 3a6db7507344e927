import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from interlock.domain.contract import PrivacyRule
from interlock.domain.errors import NotFoundError
from interlock.domain.verdict import Check
from interlock.monitoring.service import status
from interlock.stats.profile import Profile
from interlock.store.rejections import RejectedBody, RejectionKey

if TYPE_CHECKING:
    from tests.integration.monitoring.conftest import World

START = datetime(2013, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in report["checks"]}


def test_traffic_like_the_reference_is_ok_without_any_label(world: "World") -> None:
    world.serve(START, 30)
    report = world.monitoring.report("e")
    assert (report["status"], report["window"], report["rows"]) == ("ok", "24h", 480)
    # The window ends with the newest event, years before the wall clock.
    assert (report["since"], report["until"]) == ("2013-04-01T06:00:00+00:00", "2013-04-02T06:00:00+00:00")
    assert outcomes(report) == {
        "rejected": "ok",
        "requests": "ok",
        "failures": "ok",
        "latency_p95_ms": "ok",
        "drift.x": "ok",
        "drift.output.label": "ok",
        "drift.output.score": "ok",
    }
    assert {check["version"] for check in report["checks"][1:]} == {"m:1"}
    assert {check["signal"] for check in report["checks"]} == {"rejected", "service", "input", "output"}


def test_drift_of_an_input_and_of_the_output_is_a_breach_with_its_reason(world: "World") -> None:
    world.serve(START, 24)
    world.serve(START + DAY, 24, shift=1.0)
    report = world.monitoring.report("e")
    assert report["status"] == "breach"
    found = {check["name"]: check for check in report["checks"]}
    assert found["drift.x"]["outcome"] == found["drift.output.score"]["outcome"] == "breach"
    assert found["drift.x"]["details"]["reason"].startswith("mean went from")
    assert found["drift.x"]["value"] > 0.2
    before = world.monitoring.report("e", since=START, until=START + DAY)
    assert before["status"] == "ok"


def test_refused_requests_are_a_breach_also_when_all_of_an_hour_are(world: "World") -> None:
    world.serve(START, 24)
    with world.store.transaction() as tx:
        for number in range(20, 26):
            hour = START + timedelta(hours=number)
            tx.rejections.add_all({RejectionKey("e", hour, "", ""): 20, RejectionKey("e", hour, "x", "value"): 20})
    report = world.monitoring.report("e", window=timedelta(hours=6))
    assert (report["until"], report["status"]) == ("2013-04-02T02:00:00+00:00", "breach")
    found = {check["name"]: check for check in report["checks"]}["rejected"]
    assert (found["outcome"], found["value"]) == ("breach", 0.6)
    assert found["details"]["reasons"] == [{"field": "x", "rule": "value", "requests": 120}]
    nothing_else = world.monitoring.report("e", since=START + DAY, until=START + DAY + timedelta(hours=2))
    assert outcomes(nothing_else) == {"rejected": "breach", "requests": "no_data"}


def test_refusals_of_another_time_are_not_the_replayed_traffics(world: "World") -> None:
    world.serve(START, 30)
    with world.store.transaction() as tx:
        tx.rejections.add_all({RejectionKey("e", world.now, "", ""): 20})
    assert world.monitoring.report("e")["until"] == "2013-04-02T06:00:00+00:00"


def test_what_was_refused_is_told_with_bodies(world: "World") -> None:
    body = RejectedBody(endpoint="e", hour=START, spool="s", slot=0, at=START, reason="x == 1", body=b'{"x": \xff')
    with world.store.transaction() as tx:
        tx.rejections.add_all({RejectionKey("e", START, "", ""): 2, RejectionKey("e", START, "x", "value"): 1})
        tx.rejections.keep([body])
    told = world.monitoring.rejections("e", since=START, until=START + DAY)
    assert told["refused"] == 2
    assert [(each["field"], each["rule"], each["requests"]) for each in told["reasons"]] == [("x", "value", 1)]
    assert told["bodies"] == [{"at": START.isoformat(), "reason": "x == 1", "body": '{"x": \\xff'}]
    with pytest.raises(NotFoundError):
        world.monitoring.rejections("none", since=START, until=START + DAY)


def test_quality_comes_with_late_labels_and_past_windows_are_revised(world: "World") -> None:
    labels = world.serve(START, 24, rows=40)
    assert "brier" not in outcomes(world.monitoring.report("e"))
    world.append("labels", labels.slice(0, 300))
    some = {check["name"]: check for check in world.monitoring.report("e")["checks"]}["brier"]
    assert (some["outcome"], some["rows"], some["details"]["coverage"]) == ("ok", 300, 300 / 960)
    world.append("labels", labels.slice(300))
    every = {check["name"]: check for check in world.monitoring.report("e")["checks"]}["brier"]
    assert (every["rows"], every["details"]["coverage"]) == (960, 1.0)
    assert every["details"]["lower"] < every["value"] < every["details"]["upper"]


def test_lost_quality_without_any_drift_is_a_breach(world: "World") -> None:
    world.append("labels", world.serve(START, 24, rows=40, noise=8.0))
    report = world.monitoring.report("e")
    assert report["status"] == "breach"
    assert outcomes(report)["brier"] == outcomes(report)["accuracy"] == "breach"
    assert outcomes(report)["drift.x"] == "ok"


def test_what_a_privacy_rule_keeps_out_is_no_data_with_that_reason(world: "World") -> None:
    withhold(world, {"input.x": "drop", "output.label": "hash"})
    world.append("labels", world.serve(START, 2))
    with world.store.transaction() as tx:
        profile = Profile(world.spec)
        profile.update({}, unobserved=list(world.spec.slices), rows=500)
        tx.profiles.merge("e", "m:1", START + DAY, profile.to_bytes(), lambda _, delta: delta)
    later = {check["name"]: check for check in world.monitoring.report("e", since=START + DAY)["checks"]}
    assert later["drift.x"]["outcome"] == "no_data"
    assert later["drift.x"]["details"]["reason"] == "a privacy rule keeps the values of input.x out of the log"
    first = {check["name"]: check for check in world.monitoring.report("e", since=START, until=START + DAY)["checks"]}
    assert first["quality"]["outcome"] == "no_data"
    assert first["quality"]["details"]["reason"] == "a privacy rule keeps the values of output.label out of the log"


def withhold(world: "World", rules: dict[str, PrivacyRule]) -> None:
    with world.store.transaction() as tx:
        tx.endpoints.update(msgspec.structs.replace(tx.endpoints.get("e"), privacy=rules))


def test_no_traffic_is_no_data_and_never_ok(world: "World") -> None:
    assert world.monitoring.report("e")["status"] == "no_data"
    world.serve(START, 2)
    report = world.monitoring.report("e")
    assert report["status"] == "no_data"
    few = next(check for check in report["checks"] if check["name"] == "drift.x")
    assert (few["outcome"], few["details"]["reason"]) == ("no_data", "40 rows, at least 50 are needed")


def test_a_damaged_profile_is_an_error_with_its_reason_and_is_logged(
    world: "World", caplog: pytest.LogCaptureFixture
) -> None:
    world.serve(START, 24)
    with world.store.transaction() as tx:
        tx.profiles.merge("e", "m:1", START, b"damaged", lambda _, delta: delta)
    with caplog.at_level(logging.ERROR):
        report = world.monitoring.report("e")
    assert report["status"] == "error"
    broken = next(check for check in report["checks"] if check["outcome"] == "error")
    assert "cannot be read" in broken["details"]["reason"]
    assert "cannot be read" in caplog.text
    assert outcomes(report)["requests"] == "ok"


def test_unknown_endpoints_and_empty_windows_are_refused(world: "World") -> None:
    with pytest.raises(NotFoundError, match="'nope'"):
        world.monitoring.report("nope")
    with pytest.raises(ValueError, match="before until"):
        world.monitoring.report("e", since=START + DAY, until=START)


def test_quality_by_month_is_told_by_version(world: "World") -> None:
    world.append("labels", world.serve(START, 24))
    world.append("labels", world.serve(datetime(2013, 5, 1, tzinfo=UTC), 24, version="m:2"))
    found = world.monitoring.quality_by_month("e")
    assert {(each["month"], each["version"], each["labels"]) for each in found} == {
        ("2013-04", "m:1", 480),
        ("2013-05", "m:2", 480),
    }
    assert {each["metric"] for each in found} == {"roc_auc", "brier", "accuracy", "positive_share"}


def test_drift_by_month_judges_months_and_leaves_stumps_out(world: "World") -> None:
    world.serve(START, 24 * 30, rows=4)
    world.serve(datetime(2013, 5, 1, tzinfo=UTC), 24 * 31, rows=4, shift=0.6)
    world.serve(datetime(2013, 6, 1, tzinfo=UTC), 24, rows=4)
    found = {(each["month"], each["column"]): each["drifted"] for each in world.monitoring.drift_by_month("e")}
    assert found == {
        ("2013-04", "x"): False,
        ("2013-04", "output.label"): False,
        ("2013-04", "output.score"): False,
        ("2013-05", "x"): True,
        ("2013-05", "output.label"): True,
        ("2013-05", "output.score"): True,
    }


def check(signal: Any, outcome: Any) -> Check:
    return Check(name="c", signal=signal, version=None, outcome=outcome, value=None, expected="")


GOOD = [check("service", "ok"), check("input", "ok"), check("output", "ok")]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], "ok"),
        ([check("quality", "no_data")], "ok"),
        ([check("quality", "error")], "error"),
        ([check("quality", "breach"), check("input", "error")], "breach"),
    ],
)
def test_status_is_the_worst_that_was_found(more: list[Check], expected: str) -> None:
    assert status(GOOD + more) == expected


def test_status_is_no_data_where_a_signal_is_not_seen() -> None:
    assert status([*GOOD[:2], check("output", "no_data")]) == "no_data"
    assert status([]) == "no_data"
