import os
from pathlib import Path

import pytest

from interlock.process.handover import VARIABLE, Handover, decode, encode, environment
from interlock.settings import Settings


def test_settings_survive_the_way_to_a_part() -> None:
    settings = Settings(
        home=Path("/some where/ü"), port=0, workers=3, allowed_hosts=("a", "b"), default_endpoint="wine", no_auth=True
    )
    assert decode(encode(settings)) == settings


@pytest.mark.parametrize("socket", [None, 7])
def test_arguments_survive_the_way_to_a_part(socket: int | None) -> None:
    handover = Handover("gw0", os.getpid(), 5, socket)
    assert Handover.parse(handover.arguments()) == handover
    assert handover.descriptors == ((5,) if socket is None else (5, 7))


def test_a_users_key_does_not_reach_the_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INTERLOCK_API_KEY", "ilk_secret")
    given = environment(Settings(home=tmp_path))
    assert "ilk_secret" not in str(given)
    assert decode(given[VARIABLE]).home == tmp_path
