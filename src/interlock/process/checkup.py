"""What `interlock doctor` looks at: the home folder itself, so that it also tells when nothing runs.

Every check ends in a finding; one that breaks is a finding too. It changes nothing.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal

import msgspec

from interlock import bootstrap
from interlock.domain.errors import InterlockError
from interlock.predictions.ledger import FEEDBACK_KINDS
from interlock.predictions.reconcile import reconcile
from interlock.process.home import FORMAT, check_format
from interlock.settings import Settings

_ALIVE = timedelta(seconds=5)
Outcome = Literal["ok", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """What one check found. Only `error` means that something is wrong."""

    check: str
    outcome: Outcome
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Make every check, one after the other. Those that need a home folder are left out where there is none."""
    first = _shielded("home", _home, settings)
    yield first
    if first.outcome == "error":
        return
    checks: dict[str, Callable[[Settings], Finding]] = {
        "processes": _processes,
        "store": _store,
        "audit": _audit,
        "artifacts": _artifacts,
        "log": _log,
        "labels": _labels,
        "disk": _disk,
    }
    for name, check in checks.items():
        yield _shielded(name, check, settings)


def _shielded(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except InterlockError as error:
        return Finding(name, "error", str(error))
    except Exception as error:  # a doctor that falls over helps nobody
        return Finding(name, "error", f"the check itself failed: {type(error).__name__}: {error}")


def _home(settings: Settings) -> Finding:
    check_format(settings.home)
    mode = settings.home.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding("home", "warning", f"{settings.home} is open to others (mode {mode:o}); `chmod 700` closes it")
    return Finding("home", "ok", f"{settings.home}, format {FORMAT}")


def _processes(settings: Settings) -> Finding:
    try:
        server = json.loads((settings.run / "server.json").read_text())
        parts = json.loads((settings.run / "processes.json").read_text())
        os.kill(server["pid"], 0)
    except (FileNotFoundError, ProcessLookupError):
        return Finding("processes", "warning", "no server runs on this folder")
    down = [part["name"] for part in parts if part["state"] != "running"]
    restarted = {part["name"]: part["restarts"] for part in parts if part["restarts"]}
    if down:
        return Finding("processes", "error", f"down: {', '.join(down)}")
    with bootstrap.build_store(settings).read() as tx:
        beating = tx.gateways.live(bootstrap.now() - _ALIVE)
    failing = {ref: why for gateway in beating for ref, why in gateway.load_errors.items()}
    if failing:
        return Finding(
            "processes", "error", "; ".join(f"{ref} cannot be loaded: {why}" for ref, why in failing.items())
        )
    told = f", restarts: {restarted}" if restarted else ""
    return Finding("processes", "warning" if restarted else "ok", f"{len(parts)} run, {len(beating)} gateway(s){told}")


def _store(settings: Settings) -> Finding:
    if settings.store_url:
        with bootstrap.build_store(settings).read() as tx:
            tx.keys.list()
        return Finding("store", "ok", "the database answers")
    connection = sqlite3.connect(f"file:{settings.home / 'store.db'}?mode=ro", uri=True)
    try:
        (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        connection.close()
    if result != "ok":
        return Finding("store", "error", f"the database is damaged: {result}; restore a backup")
    return Finding("store", "ok", "the database is whole")


def _audit(settings: Settings) -> Finding:
    with bootstrap.build_store(settings).read() as tx:
        found = tx.audit.verify()
    if not found.ok:
        return Finding("audit", "error", f"the chain is broken at entry {found.first_bad}: somebody changed it")
    return Finding("audit", "ok", f"{found.entries} entries, the chain holds")


def _artifacts(settings: Settings) -> Finding:
    with bootstrap.build_store(settings).read() as tx:
        versions = tx.models.list()
    wanted = {digest: version.ref for version in versions for digest in (version.digest, version.serving_digest)}
    bad = [f"{ref} ({fault})" for digest, ref in wanted.items() if (fault := _fault(settings, digest))]
    if bad:
        return Finding("artifacts", "error", f"{', '.join(bad)}: register it again")
    return Finding("artifacts", "ok", f"{len(wanted)} file(s) of {len(versions)} version(s) are what was registered")


def _fault(settings: Settings, digest: str) -> str | None:
    try:
        with (settings.artifacts / digest).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "file is missing"
    return None if found == digest else "file was changed"


def _log(settings: Settings) -> Finding:
    found = reconcile(settings, bootstrap.build_store(settings))
    wrong = [name for name, endpoint in found.items() if not endpoint.holds]
    if wrong:
        return Finding(
            "log", "error", f"rows of {', '.join(wrong)} are not accounted for; see /api/v1/log/reconciliation"
        )
    quarantined = sum(endpoint.quarantined for endpoint in found.values())
    rows = sum(endpoint.logged for endpoint in found.values())
    if quarantined:
        return Finding(
            "log", "warning", f"{quarantined} damaged row(s) were set aside in the spool's quarantine folder"
        )
    return Finding("log", "ok", f"{len(found)} endpoint(s), {rows} rows, every acknowledged row is accounted for")


def _labels(settings: Settings) -> Finding:
    """Labels, decisions and rewards whose prediction never came, or that name several."""
    reader = bootstrap.build_reader(settings)
    try:
        found = {
            f"{kind} of {endpoint}": reader.ledger.stats(endpoint, kind, now=bootstrap.now())
            for kind in FEEDBACK_KINDS
            for endpoint in reader.endpoints(kind)
        }
    finally:
        reader.close()
    overdue = [f"{each.overdue} {name}" for name, each in found.items() if each.overdue]
    several = [f"{each.ambiguous} {name}" for name, each in found.items() if each.ambiguous]
    told = [f"match no prediction after a day: {', '.join(overdue)}"] if overdue else []
    told += [f"name a request id that several predictions have: {', '.join(several)}"] if several else []
    if told:
        return Finding("labels", "warning", f"{'; '.join(told)}; see `interlock log labels`")
    waiting = sum(each.unmatched for each in found.values())
    held = f", {waiting} held until their predictions come" if waiting else ""
    return Finding("labels", "ok", f"{sum(each.rows for each in found.values())} labels, decisions and rewards{held}")


def _disk(settings: Settings) -> Finding:
    status = os.statvfs(settings.home)
    free = status.f_bavail * status.f_frsize
    if free < 512 * 1024**2:
        return Finding("disk", "warning", f"{free // 1024**2} MiB free; without space predictions are refused")
    return Finding("disk", "ok", f"{free // 1024**3} GiB free")
