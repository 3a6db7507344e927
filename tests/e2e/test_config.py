"""Releases as code, the way a user has them: the example of docs/config.md, a server, the command line."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, environment, run

from interlock.cli.app import run as interlock
from interlock.client.yaml_file import YamlFile
from interlock.domain.configuration_schema import schema

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "config.md").read_text()
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
URL = "https://hooks.example.org/s3cret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, wine: Wine) -> Path:
    """The page's example, beside the files that it names."""
    found = tmp_path_factory.mktemp("config")
    shutil.copy(wine.forest, found / "wine.skops")
    shutil.copy(wine.logistic, found / "wine_2.skops")
    shutil.copy(wine.reference, found / "held_out.csv")
    (found / "interlock.yaml").write_text(EXAMPLE)
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Product]:
    """A server without anything in it."""
    product = Product(folder / "home").wait_until_ready()
    yield product
    product.stop()


def command(server: Product, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {"INTERLOCK_HOME": str(server.home), "INTERLOCK_API_KEY": server.key, "TEAM_CHANNEL_URL": URL, **more}
    return run(*arguments, env=env, cwd=folder)


def test_the_examples_of_the_page_fit_the_schema_and_its_faults_are_told_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(EXAMPLE)
    jsonschema.validate(YamlFile(tmp_path / "interlock.yaml").content, schema())
    wrong = EXAMPLE.replace("deadline_ms:", "deadline:").replace("durability: disk", "durability: disc")
    (tmp_path / "interlock.yaml").write_text(wrong)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(YamlFile(tmp_path / "interlock.yaml").content, schema())
    done = run("diff", "interlock.yaml", env={"TEAM_CHANNEL_URL": URL}, cwd=tmp_path)
    (said,) = re.findall(r"```\n(error: .*?)```", PAGE, re.DOTALL)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_commands_of_the_page_exist(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line.split()[1:] for block in blocks for line in block.splitlines() if line.startswith("interlock ")]
    assert len(lines) == 8
    for words in lines:
        names = words[: 2 if words[0] == "export" else 1]
        assert interlock([*names, "--help"]) == 0
        assert "Example" in capsys.readouterr().out


def test_a_file_is_begun_compared_applied_and_exported(server: Product, folder: Path) -> None:
    begun = command(server, folder, "init", "begun.yaml")
    assert begun.returncode == 0, begun.stderr
    assert command(server, folder, "init", "begun.yaml").returncode == 2
    assert command(server, folder, "diff", "begun.yaml").stdout == "nothing to do\n"
    unset = command(server, folder, "apply", "interlock.yaml", TEAM_CHANNEL_URL="")
    assert unset.returncode == 2
    assert "channels.team.url: the environment variable TEAM_CHANNEL_URL is not set" in unset.stderr
    compared = command(server, folder, "diff", "interlock.yaml")
    assert compared.returncode == 1, compared.stderr
    assert compared.stdout.count("\n+ ") + 1 == 7
    applied = command(server, folder, "apply", "interlock.yaml")
    assert applied.returncode == 0, applied.stderr
    assert applied.stdout == compared.stdout + "done\n"
    assert URL not in applied.stdout
    for what in ("apply", "diff"):
        again = command(server, folder, what, "interlock.yaml")
        assert (again.returncode, again.stdout, again.stderr) == (0, "nothing to do\n", "")
    assert (folder / "interlock.yaml").read_text() == EXAMPLE
    exported = command(server, folder, "export", "config")
    assert exported.returncode == 0, exported.stderr
    (folder / "exported.yaml").write_text(exported.stdout)
    jsonschema.validate(YamlFile(folder / "exported.yaml").content, schema())
    compared = command(server, folder, "diff", "exported.yaml", "--prune", TEAM_CHANNEL_URL="")
    assert (compared.returncode, compared.stdout) == (0, "nothing to do\n")


def test_what_it_made_serves_and_says_who_made_it(server: Product, folder: Path, wine: Wine) -> None:
    command(server, folder, "apply", "interlock.yaml")
    with server.client() as client:
        assert client.predict("wine", wine.heldout.head(1)).version == "wine:1"
        assert [version["ref"] for version in client.models("wine")] == ["wine:1", "wine:2"]
        assert client.model("wine:2")["lineage"]["parent"] == "wine:1"
        actions = {entry["action"] for entry in client.audit(limit=100)}
    assert {"model.register", "endpoint.create", "alert.rules", "channel.add", "config.apply"} <= actions


def test_a_release_has_the_endpoints_plan_and_is_not_broken_by_a_file(server: Product, folder: Path) -> None:
    command(server, folder, "apply", "interlock.yaml")
    started = server.json("release", "start", "wine", "--candidate", "wine:2")
    assert started["strategy"] == "canary"
    with server.client() as client:
        _until(lambda: client.release(started["id"])["state"] == "awaiting_approval")
        assert client.release(started["id"])["steps"] == [0.05, 0.5, 1.0]
    (folder / "changed.yaml").write_text(EXAMPLE.replace("deadline_ms: 500", "deadline_ms: 400").replace("0.6", "0.5"))
    for what in ("diff", "apply"):
        refused = command(server, folder, what, "changed.yaml")
        assert refused.returncode == (1 if what == "diff" else 2)
        assert re.search(
            rf"changed.yaml:\d+: endpoints.wine.deadline_ms: release {started['id']} of wine:2", refused.stderr
        )
    assert server.json("alert", "rules", "list")["rules"][0]["below"] == 0.6
    server.json("release", "rollback", "wine")
    done = command(server, folder, "apply", "changed.yaml")
    assert done.returncode == 0, done.stderr
    assert server.json("endpoint", "show", "wine")["deadline_ms"] == 400
    assert command(server, folder, "apply", "interlock.yaml").returncode == 0


def test_what_cannot_be_registered_is_told_with_its_line_and_nothing_is_done(server: Product, folder: Path) -> None:
    entry = "models:\n  beer:\n  - {{source: {}, reference: {}}}\nendpoints:\n  beer: {{model: 'beer:1'}}\n".format
    (folder / "no.skops").write_bytes(b"no model")
    for source, reference, said in (
        ("wine.skops", "none.csv", "models.beer[0].reference: none.csv does not exist"),
        ("no.skops", "held_out.csv", "models.beer[0]: no.skops is not"),
    ):
        (folder / "beer.yaml").write_text(entry(source, reference))
        refused = command(server, folder, "apply", "beer.yaml")
        assert refused.returncode == 2
        assert f"error: beer.yaml:3: {said}" in refused.stderr
    with server.client() as client:
        assert {model["name"] for model in client.models()} <= {"wine"}
        assert {endpoint["name"] for endpoint in client.endpoints()} <= {"wine"}


def test_nothing_is_deleted_unless_somebody_says_yes(server: Product, folder: Path) -> None:
    command(server, folder, "apply", "interlock.yaml")
    (folder / "less.yaml").write_text("alert_rules: []\n")
    assert "left as it is" in command(server, folder, "apply", "less.yaml").stdout
    refused = command(server, folder, "apply", "less.yaml", "--prune")
    assert (refused.returncode, "give --yes" in refused.stderr) == (2, True)
    assert len(server.json("alert", "rules", "list")["rules"]) == 2
    assert command(server, folder, "apply", "less.yaml", "--prune", "--yes").returncode == 0
    assert server.json("alert", "rules", "list") == {"rules": []}
    assert command(server, folder, "apply", "interlock.yaml").returncode == 0


def test_what_was_killed_in_the_middle_is_mended_by_applying_again(folder: Path) -> None:
    product = Product(folder / "mortal").wait_until_ready()
    try:
        killed = subprocess.Popen(
            [sys.executable, "-m", "interlock", "apply", "interlock.yaml"],
            cwd=folder,
            env=environment(INTERLOCK_URL=product.control, INTERLOCK_API_KEY=product.key, TEAM_CHANNEL_URL=URL),
        )
        with product.client() as client:
            while not client.models():
                assert killed.poll() is None
                time.sleep(0.05)
        os.kill(product.parts()["api"], signal.SIGKILL)
        killed.kill()
        killed.wait()
        _until(lambda: command(product, folder, "diff", "interlock.yaml").returncode == 1)
        mended = command(product, folder, "apply", "interlock.yaml")
        assert mended.returncode == 0, mended.stderr
        assert "models.wine:1" not in mended.stdout
        assert command(product, folder, "diff", "interlock.yaml").returncode == 0
        with product.client() as client:
            versions = client.models("wine")
        assert len(versions) in (
            2,
            3,
        )  # the second may have been registered unseen, when the API died before it answered
    finally:
        product.stop()


def test_a_server_starts_with_a_file(folder: Path, wine: Wine) -> None:
    product = Product(folder / "first", "--config", str(folder / "interlock.yaml"), env={"TEAM_CHANNEL_URL": URL})
    try:
        product.wait_until_ready()
        _until(lambda: any("interlock.yaml: register models.wine[0]" in line for line in product.said))
        with product.client() as client:
            assert client.predict("wine", wine.heldout.head(1)).version == "wine:1"
            (actor,) = {entry["actor"] for entry in client.audit() if entry["action"] == "config.apply"}
            listed = client.keys()
        revoked = {key["name"]: key["revoked_at"] for key in listed}
        assert actor.startswith("config-")
        assert revoked[actor] is not None
    finally:
        product.stop()
    assert URL not in "".join(product.said)


def test_a_file_that_is_wrong_starts_nothing_and_one_that_fails_leaves_the_server_up(folder: Path) -> None:
    (folder / "wrong.yaml").write_text("endpoint: {}\n")
    refused = run("up", "--home", str(folder / "none"), "--config", str(folder / "wrong.yaml"))
    assert (refused.returncode, "wrong.yaml:1: endpoint: is not known" in refused.stderr) == (2, True)
    assert not (folder / "none").exists()
    (folder / "fails.yaml").write_text("endpoints:\n  wine: {model: 'wine:9'}\n")
    product = Product(folder / "fails", "--config", str(folder / "fails.yaml")).wait_until_ready()
    try:
        _until(lambda: any("the server goes on with what it had" in line for line in product.said))
        assert any(
            "fails.yaml:2: endpoints.wine: model version 'wine:9' does not exist" in line for line in product.said
        )
        assert product.json("endpoint", "list") == {"endpoints": []}
    finally:
        assert product.stop() == 0


def test_the_schema_and_the_files_for_other_programs_need_no_server(tmp_path: Path) -> None:
    assert json.loads(run("export", "schema", cwd=tmp_path).stdout) == schema()
    for what in ("prometheus-rules", "grafana"):
        done = run("export", what, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert yaml.safe_load(done.stdout) == json.loads(run("export", what, "--json", cwd=tmp_path).stdout)


def _until(condition: Any, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.1)
