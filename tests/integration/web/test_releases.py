from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.integration.web.conftest import EVIL, Pages, _pages, act, version
from tests.integration.web.test_overview import words

from interlock.domain.release import Gate, Release, ReleasePlan
from interlock.domain.replay import (
    Agreement,
    OutputChange,
    Quality,
    Replay,
    ReplayReport,
    RowExample,
    RowsWithReason,
    Slice,
)
from interlock.releases import road
from interlock.releases.road import Mover
from interlock.settings import Settings

URL = "/releases/wine-1"
AT = datetime(2026, 1, 1, tzinfo=UTC)
GATE = Gate(
    metric="latency.p95", outcome="ok", scale="ratio", estimate=1.1, lower=0.8, upper=1.4, margin=1.5,
    counts={"champion": 1500, "challenger": 120}, reason="latency p95 4.4 ms against 4 ms", alpha=0.0125,
    non_inferior=True,
)  # fmt: skip


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Pages]:
    """A home of one's own, whose release has traffic and has been looked at."""
    with _pages(Settings(home=tmp_path), fill=True) as pages:
        with pages.store.transaction() as tx:
            at = tx.releases.get("wine-1").created_at
            road.begin(tx, tx.releases.get("wine-1"), Mover("controller", "system", at, "begun", (GATE,)))
            tx.releases.add_look("wine-1", at, 0, (GATE,))
        yield pages


def _state(pages: Pages) -> str:
    with pages.store.read() as tx:
        return tx.releases.get("wine-1").state


def test_a_release_shows_its_road_its_evidence_and_what_was_decided(running: Pages) -> None:
    with running.signed_in("viewer") as browser:
        page = browser.get(URL).text
    assert 'aria-label="loaded passed, 1 % now, 5 % ahead, 25 % ahead, 100 % ahead"' in page
    assert "1.1 times, surely at least 0.8 times, surely at most 1.4 times, margin 1.5 times" in page
    said = words(page)
    for expected in (
        "wine : wine:1 → wine:2", "latency p95 live traffic of this step", "latency p95 4.4 ms against 4 ms",
        "1,500 / 120", "surely not worse", "begun by controller", "Both versions take and give the same.",
    ):  # fmt: skip
        assert expected in said, expected


def test_a_release_shows_what_the_replay_of_its_candidate_found(running: Pages) -> None:
    with running.signed_in("viewer") as browser:
        assert "Replay" not in words(browser.get(URL).text)
        with running.store.transaction() as tx:
            tx.replays.add(_replay(running))
        said = words(browser.get(URL).text)
    for expected in (
        "wine-replay-1", "what wine:2 would have answered to 1,200 logged rows", "1,100; 100 failed",
        "75 % of 1,100 rows; answers move by 0.125 on average, by 0.5 at most", "alcohol: over 13",
        "First to fail: p7, ValueError: x", "too few units",
    ):  # fmt: skip
        assert expected in said, (expected, said)


def _replay(pages: Pages) -> Replay:
    with pages.store.read() as tx:
        release = tx.releases.get("wine-1")
    failed = RowsWithReason(
        rows=100, examples=(RowExample(prediction_id="p7", status="model_error", error="ValueError: x"),)
    )
    report = ReplayReport(
        rows=1200, scored=1100, failed=failed, refused=RowsWithReason(), withheld=RowsWithReason(),
        agreement=Agreement(rows=1100, same_share=0.75, mean_change=0.125, largest_change=0.5),
        outputs=(OutputChange(output="score", total_variation=0.2, champion_mean=0.4, candidate_mean=0.5),),
        quality=Quality(
            loss="brier", rows=50, units=50, champion_loss=0.2, candidate_loss=0.1, difference=-0.1, lower=None,
            upper=None, alpha=0.05, coverage=0.5, newest_coverage=0.5, verdict="not_enough_data",
            reason="too few units",
        ),
        slices=(Slice(column="alcohol", value="over 13", rows=200, mean_change=0.3, lower=0.2),),
    )  # fmt: skip
    at = release.created_at
    return Replay(
        id="wine-replay-1", endpoint="wine", candidate=release.candidate, champion=release.champion, state="done",
        created_at=at, created_by="ann", heard_at=at, report=report,
    )  # fmt: skip


def test_a_release_is_paused_resumed_and_rolled_back_with_reasons(running: Pages) -> None:
    with running.signed_in("operator") as browser:
        assert act(browser, URL, f"{URL}/pause", reason="weekend").headers["location"] == URL
        assert _state(running) == "paused"
        assert "paused" in words(browser.get(URL).text)
        act(browser, URL, f"{URL}/resume", reason="monday")
        assert _state(running) == "running"
        act(browser, URL, f"{URL}/rollback", reason=f"complaints {EVIL}")
        assert _state(running) == "rolled_back"
        assert all(EVIL not in browser.get(path).text for path in ("/", "/releases", URL, "/endpoints/wine", "/audit"))
        page = words(browser.get(URL).text)
    for reason in ("weekend", "monday", "complaints"):
        assert f"by operator: {reason}" in page
    assert "1 % stopped" in page


def test_a_promoted_release_can_be_taken_back_while_its_candidate_serves(running: Pages) -> None:
    with running.signed_in("operator") as browser:
        act(browser, URL, f"{URL}/promote", reason="checked")
        assert _state(running) == "promoted"
        assert "wine:2 answers every request" in words(browser.get("/endpoints/wine").text)
        act(browser, URL, f"{URL}/rollback")
        assert "wine:1 answers every request" in words(browser.get("/endpoints/wine").text)
        assert "Roll back" not in browser.get(URL).text


def test_what_does_not_fit_the_state_is_refused_with_the_reason(running: Pages) -> None:
    with running.signed_in("operator") as browser:
        for verb in ("resume", "pause", "pause"):  # asked twice, done once
            act(browser, URL, f"{URL}/{verb}")
        assert _state(running) == "paused"
        act(browser, URL, f"{URL}/rollback")
        refused = act(browser, URL, f"{URL}/promote")
        assert refused.status_code == 409
        assert "release wine-1 is rolled_back, must be running or paused" in refused.text
        assert act(browser, URL, f"{URL}/rollback").status_code == 409


def test_a_viewer_sees_no_buttons_and_is_refused(running: Pages) -> None:
    with running.signed_in("viewer") as browser:
        page = browser.get(URL).text
        assert "<details" not in page
        for verb in ("promote", "pause", "resume", "rollback"):
            assert f"{URL}/{verb}" not in page
            refused = act(browser, URL, f"{URL}/{verb}")
            assert refused.status_code == 403
            assert "may not operate" in refused.text
    assert _state(running) == "running"


def test_a_key_limited_to_another_endpoint_neither_sees_nor_moves_it(running: Pages) -> None:
    ring = running.app.state.key_ring
    actor = ring.authenticate(running.keys["admin"])
    running.keys["elsewhere"] = ring.create("elsewhere", "operator", actor=actor, endpoints=("other",))[1]
    with running.signed_in("elsewhere") as browser:
        assert "wine" not in browser.get("/releases").text
        assert browser.get(URL).status_code == 403
        assert act(browser, "/", f"{URL}/pause").status_code == 403
    assert _state(running) == "running"


def test_the_list_names_every_release(running: Pages, empty_pages: Pages) -> None:
    with running.signed_in("viewer") as browser:
        page = words(browser.get("/releases").text)
    assert "1 release under way" in page
    assert "wine-1 running wine:1 → wine:2 1 % begun" in page
    with empty_pages.signed_in("viewer") as browser:
        assert "interlock release start ENDPOINT" in browser.get("/releases").text


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Pages]:
    """A home of one's own, whose release, started by `ops`, waits for approval."""
    with _pages(Settings(home=tmp_path), fill=True) as pages:
        with pages.store.transaction() as tx:
            draft = tx.releases.get("wine-1")
            asking = msgspec.structs.replace(draft, plan=msgspec.structs.replace(draft.plan, require_approval=True))
            tx.releases.update(asking)
            road.ask(tx, asking, Mover("controller", "system", draft.created_at, "awaiting approval"))
        yield pages


def test_an_approver_approves_and_an_operator_cannot(waiting: Pages) -> None:
    with waiting.signed_in("operator") as browser:
        page = browser.get(URL).text
        assert "awaiting approval" in words(page)
        assert "Approve…" not in page
        assert act(browser, URL, f"{URL}/approve").status_code == 403
    with waiting.signed_in("approver") as browser:
        assert "Approve…" in browser.get(URL).text
        act(browser, URL, f"{URL}/approve", reason="read it")
        assert _state(waiting) == "running"
        assert "by approver: read it" in words(browser.get(URL).text)


def test_an_approver_rejects(waiting: Pages) -> None:
    with waiting.signed_in("approver") as browser:
        act(browser, URL, f"{URL}/reject", reason="not this week")
        assert _state(waiting) == "rejected"


def test_taking_a_release_back_ends_no_other_one(running: Pages) -> None:
    with running.signed_in("operator") as browser:
        act(browser, URL, f"{URL}/promote")
        services = running.app.state.services
        services.releases.start("wine", "wine:1", actor=services.key_ring.authenticate(running.keys["operator"]))
        assert "Roll back" not in browser.get(URL).text
        refused = act(browser, "/releases/wine-2", f"{URL}/rollback")
        assert refused.status_code == 409
        assert "release wine-2 is under way" in refused.text
    with running.store.read() as tx:
        assert (tx.releases.get("wine-2").state, tx.plans.current("wine").champion) == ("draft", "wine:2")


def test_nobody_approves_with_another_key_of_their_own(waiting: Pages) -> None:
    with waiting.store.transaction() as tx:
        tx.releases.update(msgspec.structs.replace(tx.releases.get("wine-1"), owner="approver"))
    with waiting.signed_in("approver") as browser:
        assert "Approve…" not in browser.get(URL).text
        refused = act(browser, URL, f"{URL}/approve")
    assert refused.status_code == 409
    assert "started by ops, a key of approver too" in refused.text
    assert _state(waiting) == "awaiting_approval"


def test_a_test_of_several_arms_shows_them_all(running: Pages) -> None:
    with running.store.transaction() as tx:
        road.roll_back(tx, tx.releases.get("wine-1"), Mover("ann", "admin", AT, "to make room"))
        plan = ReleasePlan(steps=(), reward="sold")
        draft = Release(
            id="wine-9", endpoint="wine", strategy="ab_test", state="draft", candidate="wine:2", champion="wine:1",
            plan=plan, created_at=AT, created_by="ann", salt="s", others=("wine:3",),
        )  # fmt: skip
        tx.models.add(version(3))
        road.start(tx, draft, Mover("ann", "admin", AT, "started"))
        segment = {"column": "color", "value": "red", "champion_units": 150, "challenger_units": 1250}
        details = {
            "unadjusted": {"estimate": 0.5, "lower": -0.25, "upper": 1.25},
            "segments": [{**segment, "estimate": 0.125, "lower": None, "upper": 0.75}],
            "segments_note": "exploration only, decides nothing: 1 segments",
        }
        effect = msgspec.structs.replace(
            GATE, metric="effect.sold", version="wine:3", scale="difference", details=details
        )
        mover = Mover("controller", "system", AT, "begun", (effect,))
        road.begin(tx, draft, mover)
        tx.releases.add_look("wine-9", AT, 0, (effect,))
    with running.signed_in("operator") as browser:
        page = words(browser.get("/releases/wine-9").text)
        assert "wine:1 → wine:2, wine:3" in page
        assert "effect wine:3 sold of units as they were assigned" in page
        assert "unadjusted 0.5 (-0.25 to 1.25)" in page.replace("−", "-")
        assert "by segment wine:3; exploration only, decides nothing" in page
        assert "color: red 150 / 1,250 0.125" in page
        assert "Promote now" not in page  # which one, only the command line can say
        assert "wine:1 answers 33 %, wine:2 33 %, wine:3 33 %" in words(browser.get("/endpoints/wine").text)
        assert "wine:3 33 %" in words(browser.get("/").text)
        assert browser.get("/releases").status_code == 200
