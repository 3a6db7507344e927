from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from interlock.cli.app import app, run


def _commands() -> Iterator[tuple[str, Any]]:
    # Any: which classes Typer builds commands of (its own copy of Click, or Click's) depends on its version.
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            yield from _of_group(name, command)
        else:
            yield name, command


def _of_group(name: str, group: Any) -> Iterator[tuple[str, Any]]:
    for inner, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _of_group(f"{name} {inner}", command)
        else:
            yield f"{name} {inner}", command


COMMANDS = dict(_commands())


def test_every_command_of_this_version_is_there() -> None:
    promised = (
        "up, serve, demo, predict, label, monitor, report, replay, drift, estimate, retrain, doctor, model register, "
        "model list, model show, model diff, model test, model held-out, model lineage, endpoint create, "
        "endpoint change, "
        "endpoint list, endpoint show, endpoint delete, endpoint retraining, endpoint learn, learn list, "
        "learn status, learn pause, learn resume, learn back, learn replay, run list, run show, run log, run "
        "cancel, run rerun, check-data, "
        "release start, release list, release show, "
        "release plan, release evaluate, release approve, release reject, release promote, release pause, "
        "release resume, release rollback, log sql, log path, log labels, "
        "log pin, log pins, log unpin, log forget, "
        "alert list, alert show, alert ack, alert silence, alert silences, alert test, alert maintenance add, "
        "alert maintenance list, alert maintenance remove, "
        "alert channel add, alert channel list, alert channel remove, alert rules apply, alert rules list, "
        "key create, key list, key revoke, audit show, audit verify, backup, restore, init, diff, apply, "
        "export config, export schema, export prometheus-rules, export grafana, annotate export, annotate "
        "import, annotate list, annotate show, errors list, errors tags, errors tag, errors rule, errors rules, "
        "errors slices, compare, telemetry list, telemetry expect, telemetry unexpect, telemetry forget, "
        "telemetry keep, telemetry send"
    )
    assert set(COMMANDS) == set(promised.split(", "))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_a_form_for_machines(name: str) -> None:
    command = COMMANDS[name]
    assert f"Example: [bold]interlock {name}" in (command.help or "")
    assert "--json" in [option for parameter in command.params for option in parameter.opts]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*name.split(), "--help"]) == 0
    assert "Usage: interlock" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["model", "register"], ["up", "--port", "x"], ["release", "start"]]
)
def test_wrong_usage_is_exit_code_2_and_says_nothing_on_stdout(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Usage" in said.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("interlock ")
