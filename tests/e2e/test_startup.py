"""Starting and stopping: what `interlock up` says, refuses and leaves."""

import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest
from tests.e2e.product import Product, is_alive, run


def test_the_first_start_shows_a_key_once_and_sigterm_ends_with_0(tmp_path: Path) -> None:
    first = Product(tmp_path / "home").wait_until_ready()
    try:
        assert first.key.startswith("ilk_")
        assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
        assert first.json("model", "list") == {"models": []}
        children = first.descendants()
        assert {part["name"] for part in first.processes()} == {"gw0", "collector", "scorer", "controller", "api"}
        assert set(first.parts().values()) <= children
        # One server a home.
        second = run("up", "--home", str(tmp_path / "home"), "--port", "0", "--control-port", "0")
        assert (second.returncode, second.stdout) == (2, "")
        assert f"is in use by process {first.process.pid}" in second.stderr
    finally:
        assert first.stop() == 0
    assert not any(is_alive(pid) for pid in children)
    assert not (tmp_path / "home" / "run" / "server.json").exists()
    again = Product(tmp_path / "home").wait_until_ready()
    try:
        assert again.key == ""
        assert again.cli("model", "list", key=first.key).returncode == 0
    finally:
        assert again.stop(signal.SIGINT) == 0


def test_a_start_that_is_interrupted_ends_with_0(tmp_path: Path) -> None:
    product = Product(tmp_path / "home")
    while not (tmp_path / "home" / "run" / "processes.json").exists():
        assert product.process.poll() is None
    assert product.stop() == 0


@pytest.mark.parametrize("option", ["--port", "--control-port"])
def test_a_port_in_use_is_one_sentence_and_exit_code_2(tmp_path: Path, option: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        ports = {"--port": "0", "--control-port": "0", option: port}
        done = run("up", "--home", str(tmp_path), *(word for pair in ports.items() for word in pair))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: port {port} on 127.0.0.1 is in use; stop what listens there, or choose another with {option}\n"
    )


def test_a_home_of_a_newer_version_is_one_sentence_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("99\n")
    for arguments in (("up", "--port", "0", "--control-port", "0"), ("key", "list")):
        done = run(*arguments, "--home", str(tmp_path))
        assert (done.returncode, done.stdout) == (2, "")
        assert "has format 99, this Interlock knows up to 1" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--no-auth", "--host", "0.0.0.0"), "loopback only"),
        (("--host", "no.such.host.invalid"), "cannot listen on no.such.host.invalid"),
        (("--home", "/dev/null/home"), "cannot be used"),
    ],
)
def test_what_cannot_be_started_is_one_sentence(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = run("up", "--home", str(tmp_path / "home"), "--port", "0", "--control-port", "0", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_auth_nobody_needs_a_key(tmp_path: Path) -> None:
    product = Product(tmp_path / "home", "--no-auth").wait_until_ready()
    try:
        assert product.key == ""
        done = run("model", "list", "--server", product.control, "--json")
        assert done.returncode == 0, done.stderr
    finally:
        assert product.stop() == 0
