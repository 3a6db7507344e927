from pathlib import Path

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.process.supervisor import Listener, supervise
from interlock.settings import Settings


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"no_auth": True, "host": "0.0.0.0"}, "loopback only"),
        ({"workers": 0}, "workers == 0"),
        ({"tls_cert": Path("c.pem")}, "--tls-cert and --tls-key belong together"),
        ({"tls_cert": Path("c.pem"), "tls_key": Path("k.pem")}, "--tls-cert c.pem and --tls-key k.pem cannot be used"),
    ],
)
def test_unsafe_or_impossible_settings_are_refused_before_anything_is_made(
    settings: dict[str, object], named: str, tmp_path: Path
) -> None:
    listener = Listener(ready=lambda _: pytest.fail("started"), first_key=lambda _: pytest.fail("made a key"))
    with pytest.raises(InvalidInputError, match=named):
        supervise(Settings(home=tmp_path / "home", port=0, control_port=0, **settings), listener)  # type: ignore[arg-type]  # mixed options
    assert not (tmp_path / "home").exists()


def test_grpc_without_its_library_is_refused_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock.process.supervisor.find_spec", lambda _name: None)
    listener = Listener(ready=lambda _: pytest.fail("started"), first_key=lambda _: pytest.fail("made a key"))
    with pytest.raises(InvalidInputError, match=r"pip install 'interlock\[grpc\]'"):
        supervise(Settings(home=tmp_path / "home", port=0, control_port=0, grpc_port=0), listener)
