"""What processes leave behind that were killed in the middle of writing: drafts, requests, addresses of a dead server.

Used by `interlock doctor`. None of it does harm but to the disk and to whoever looks for a server; it is deleted only
while no server runs on the folder.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from interlock.predictions.damage import Damage
from interlock.settings import Settings
from interlock.store.database import Store


def find(settings: Settings, store: Store, *, is_running: bool) -> Iterator[Damage]:
    """Look through a home folder.

    Args:
        settings: The home.
        store: Which pins there are.
        is_running: Whether a server runs on it, whose own drafts these may be.
    """
    if is_running:
        return
    stale = [path for path in (settings.run / "server.json", settings.run / "processes.json") if path.exists()]
    if stale:
        yield Damage("a server that died left its address behind", "warning", partial(_delete, stale))
    drafts = sorted(_drafts(settings))
    if drafts:
        names = f"{len(drafts)} draft(s) that nobody finished, such as {drafts[0].relative_to(settings.home)}"
        yield Damage(names, "warning", partial(_delete, drafts))
    pins = sorted(_pins_of_nobody(settings, store))
    if pins:
        what = f"{len(pins)} pin(s) that nobody finished, such as {pins[0].relative_to(settings.log)}"
        yield Damage(what, "warning", partial(_delete, pins))


def _drafts(settings: Settings) -> Iterator[Path]:
    home = settings.home
    yield from (path for folder in (home, settings.run) for path in folder.glob(".*.*") if path.is_file())
    yield from settings.artifacts.glob(".new-*")
    yield from settings.artifacts.glob(".staging-*")
    yield from settings.gateway_state.glob("*.new")
    yield from settings.spools.glob("*/spool.json.new")
    yield from settings.spools.glob(".flush/*")
    yield from settings.log.glob("*/*/_delta_log/*.tmp")
    yield from (settings.run / "staging").glob("*")


def _pins_of_nobody(settings: Settings, store: Store) -> Iterator[Path]:
    with store.read() as tx:
        known = {(pin.endpoint, pin.name) for pin in tx.pins.list()}
    for folder in (settings.log / "pins").glob("*/*/"):
        if (folder.parent.name, folder.name) not in known:
            yield folder


def _delete(paths: list[Path]) -> str:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return f"deleted {len(paths)} leftover(s), such as {paths[0].name}"
