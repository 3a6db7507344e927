"""Puts a file in force at `interlock up --config`, by a process of its own, once both ports answer.

It goes the way of `interlock apply`: over the API, with a key that it makes and revokes. The supervisor only starts it,
since registering a model takes seconds and may fail. If it fails, the server goes on with what it had.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from interlock import bootstrap
from interlock.client.client import Client
from interlock.client.config_apply import ConfigApply
from interlock.client.config_file import ConfigFile
from interlock.client.trust import by_certificate
from interlock.domain.errors import InterlockError, InvalidInputError
from interlock.process.handover import VARIABLE, decode, environment
from interlock.settings import Settings


def begin(settings: Settings, control: str, file: Path) -> None:
    """Start the process; nobody waits for it.

    Args:
        settings: Of the server.
        control: The control port's address.
        file: What is put in force.
    """
    command = [sys.executable, "-P", "-m", "interlock.process.configuring", control, str(file)]
    # Not on stdout: that belongs to the line which says that the server is ready.
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment(settings))


def configure(settings: Settings, control: str, file: Path) -> None:
    """Put the file in force, and say on stderr what was done.

    Raises:
        InterlockError: As `interlock apply` does.
    """
    ring, name = bootstrap.build_key_ring(settings), f"config-{secrets.token_hex(3)}"
    _, secret = ring.create(name, "admin", actor=bootstrap.local_actor())
    trust = by_certificate(settings.tls_cert) if settings.tls_cert is not None else None
    try:
        with Client(control, secret, trust=trust) as client:
            work = ConfigApply(client, ConfigFile(file))
            found = work.compare()
            work.apply(found, tell=lambda what: _say(f"{file}: {what}"))
    finally:
        ring.revoke(name, actor=bootstrap.local_actor())
    changes = [f"{change['action']} {change['place']}" for change in found["changes"]]
    _say(f"{file}: {', '.join(changes) or 'nothing to do'}")


def main() -> int:
    """Called by `begin`."""
    settings, (control, file) = decode(os.environ[VARIABLE]), sys.argv[1:]
    try:
        configure(settings, control, Path(file))
    except InvalidInputError as error:
        return _refused(error.faults)
    except InterlockError as error:
        return _refused([f"{file}: {error}"])
    return 0


def _refused(faults: list[str] | tuple[str, ...]) -> int:
    for fault in faults:
        _say(f"error: {fault}")
    _say("the server goes on with what it had; mend the file, then `interlock apply`")
    return 2


def _say(text: str) -> None:
    print(f"interlock: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
