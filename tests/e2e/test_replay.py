"""A replay from the command line, against a real server: what it reports, what it refuses, where it is kept."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, environment

ROWS = 60


@pytest.fixture(scope="module")
def candidate(product: Product, wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """`wine:2`, and a log: sixty rows of single requests, most with a label."""
    found = product.client().register("wine", wine.logistic, reference=wine.reference, label="cultivar")
    with product.client() as client:
        made = [client.predict("wine", wine.heldout.iloc[[at]]) for at in range(ROWS)]
        labels = [{"prediction_id": each.ids[0], "label": int(wine.truth[at])} for at, each in enumerate(made)]
        client.label("wine", labels[:50])
    return str(found["ref"])


def test_the_candidate_scores_what_callers_sent(product: Product, candidate: str) -> None:
    found = product.json("replay", "wine", "--candidate", candidate)
    report = found["report"]
    assert (found["state"], report["rows"], report["scored"]) == ("done", ROWS, ROWS)
    assert report["failed"]["rows"] == report["refused"]["rows"] == 0
    # Both models of this easy data are nearly always right, and so mostly agree.
    assert report["agreement"]["same_share"] > 0.9
    assert report["quality"]["rows"] == 50
    assert report["quality"]["verdict"] == "not_enough_data"
    again = product.client().replays("wine")
    assert again[0] == found
    scores = product.json("log", "path", "wine", "--table", "scores")["path"]
    assert any(Path(scores).glob("*.parquet"))


def test_people_read_tables_and_a_pipe_gets_no_bar(product: Product, candidate: str) -> None:
    done = product.cli("replay", "wine", "--candidate", candidate, "--limit", "20")
    assert done.returncode == 0
    assert "same answer" in done.stdout
    assert "outputs: share of rows that moved" in done.stdout
    assert re.search(r"a sample of \d+ of 60 rows", done.stderr)  # each row by its own chance of a third
    assert "\x1b[" not in done.stdout + done.stderr


def test_what_cannot_be_replayed_is_refused_with_its_reason(product: Product, candidate: str) -> None:
    refused = product.cli("replay", "wine", "--candidate", "wine:9")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "wine:9" in refused.stderr
    product.json("endpoint", "change", "wine", "--privacy", "alcohol=drop")
    refused = product.cli("replay", "wine", "--candidate", candidate)
    assert refused.returncode == 2
    assert "a privacy rule keeps the values of input.alcohol out of the log" in refused.stderr
    product.json("endpoint", "change", "wine", "--privacy", "alcohol=keep")


def test_an_interrupt_cancels_it(product: Product, candidate: str) -> None:
    before = len(product.client().replays("wine"))
    command = [
        sys.executable,
        "-m",
        "interlock",
        "replay",
        "wine",
        "--candidate",
        candidate,
        "--home",
        str(product.home),
    ]
    with subprocess.Popen(command, env=environment(INTERLOCK_API_KEY=product.key), stderr=subprocess.PIPE) as process:
        ends_at = time.monotonic() + 60
        while len(product.client().replays("wine")) == before:
            assert time.monotonic() < ends_at
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    while (found := product.client().replays("wine")[0])["state"] == "running":
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    # Sixty rows are one batch: an interrupt that comes while it is scored finds the replay done.
    assert found["state"] in ("cancelled", "done")
    assert "wine-replay-" in found["id"]
