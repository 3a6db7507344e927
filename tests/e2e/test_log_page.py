"""The blocks of docs/log.md that need a server are run against one, as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, environment

PAGE = (Path(__file__).parents[2] / "docs" / "log.md").read_text()


@pytest.fixture(scope="module")
def folder(product: Product, wine: Wine) -> Path:
    """A folder with the files that the page names, beside an endpoint `flights` with something in its log."""
    client = product.client()
    client.register("flights", wine.forest, reference=wine.reference, label="cultivar")
    client.create_endpoint("flights", "flights:1", label_key="unit")
    ids = client.predict("flights", wine.heldout.head(3), key="ua-1").ids
    name = client.predict("flights", wine.heldout.head(1), key="ua-2").ids[0]
    client.reward("flights", [{"prediction_id": name, "name": "revenue", "value": 3}])
    found = product.home.parent / "page"
    found.mkdir()
    (found / ".interlock").symlink_to(product.home)
    (found / "by_id.csv").write_text(f"prediction_id,label\n{ids[0]},1\n")
    (found / "landed.csv").write_text("flight,label,landed_at\nua-2,1,2999-01-01T00:00:00Z\nua-7,1,2013-01-01\n")
    (found / "revenue.csv").write_text(f"prediction_id,value\n{ids[1]},2.5\n")
    (found / "desk.csv").write_text(f"prediction_id,decision\n{ids[2]},2\n")
    return found


def commands() -> list[str]:
    found = [
        shlex.join(shlex.split(line, comments=True)[1:])
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("interlock ")
    ]
    assert len(found) == 7
    return found


def run(product: Product, folder: Path, *arguments: str) -> SimpleNamespace:
    env = environment(INTERLOCK_HOME=str(product.home), INTERLOCK_API_KEY=product.key, INTERLOCK_URL=product.control)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.mark.parametrize("command", commands())
def test_commands_of_the_page_work(product: Product, folder: Path, command: str) -> None:
    done = run(product, folder, "-m", "interlock", *shlex.split(command))
    if "landed.csv" in command:  # a label from the future, which the gateway refuses by its row
        assert (done.code, done.out) == (1, "1 matched, 1 unmatched, 0 ambiguous\n0 accepted, 1 rejected\n")
        assert "row 1: observed_at ==" in done.err
    else:
        assert (done.code, done.err) == (0, "")
        assert done.out


def test_the_python_example_prints_three_tables_and_batches(product: Product, folder: Path) -> None:
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "import interlock" in block]
    done = run(product, folder, "-c", code)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("reward.revenue") == 2
    assert done.out.splitlines()[-2:] == ["4", "4"]


def test_the_page_names_every_route_of_what_is_told() -> None:
    for noun in ("labels", "decisions", "rewards"):
        assert f"POST /endpoints/E/{noun}" in PAGE
