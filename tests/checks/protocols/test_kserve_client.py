"""KServe's own client against a gateway. It does not go with our pandas, so it has an environment of its own."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.gateway import conftest as gateways

from interlock.settings import Settings
from interlock.store.database import Store

pytestmark = pytest.mark.slow

KSERVE = "kserve==0.21.0"


def _run(*command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.fixture(scope="module")
def python(pytestconfig: pytest.Config) -> str:
    """An interpreter with KServe, kept from one run of the tests to the next. What else it needs it has from here."""
    pytest.importorskip("grpc")
    folder = pytestconfig.cache.mkdir(f"environment-{KSERVE}")
    found = str(folder / "bin" / "python")
    if (folder / "installed").exists():
        return found
    for module in ("venv", "virtualenv"):
        if _run(sys.executable, "-m", module, str(folder)).returncode == 0:
            break
    else:
        pytest.skip("no environment for KServe can be made here: neither venv nor virtualenv works")
    (link,) = Path(folder, "lib").glob("python*/site-packages")
    (link / "ours.pth").write_text(sysconfig.get_path("purelib"))
    done = _run(found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", KSERVE, seconds=900)
    if done.returncode != 0:
        pytest.skip(f"{KSERVE} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    (folder / "installed").touch()
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), no_auth=True)
    store = Store.open(settings.database_url)
    world = gateways.World(settings, store)
    world.plan("size", world.register("size:1", gateways.SIZE, gateways.size_model()))
    with gateways.running(world, grpc_port=0) as found:
        yield found
    store.close()


def test_kserves_client_works_as_it_comes(python: str, server: Any) -> None:
    done = _run(python, str(Path(__file__).with_name("kserve_asks.py")), server.url, server.grpc, seconds=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["live"] == found["ready"] == [True, True]
    assert found["grpc_ready"] == [True, True, True]
    assert found["v1"] == {"predictions": ["big"]}
    every = {"id": "mine", "model": "size", "label": ["big", "small"], "outputs": ["label", "probabilities"]}
    assert found["json"] == found["grpc"] == found["grpc_typed"] == every
    assert found["binary"] == {**every, "outputs": ["label"]}
    assert "Request for unknown model: 'nope'" in found["unknown"]
