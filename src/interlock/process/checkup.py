"""What `interlock doctor` looks at: the home folder itself, so that it also tells when nothing runs.

Every check ends in a finding; one that breaks is a finding too. Without being asked to repair it changes nothing.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, nullcontext
from datetime import timedelta
from functools import partial
from typing import Literal

import msgspec

from interlock import bootstrap
from interlock.domain.errors import HomeError, InterlockError, InvalidInputError
from interlock.predictions import image_names, pins, spool_damage, table_damage
from interlock.predictions.damage import Damage
from interlock.predictions.delta_log import KINDS, DeltaLog
from interlock.predictions.hashing import KEY_NAME, fault_of_key
from interlock.predictions.image_log import ImageLog
from interlock.predictions.ledger import FEEDBACK_KINDS
from interlock.predictions.parts import HASHED
from interlock.predictions.reconcile import reconcile
from interlock.predictions.reconciliation import Reconciliation
from interlock.process import home, leftovers
from interlock.process.home import FORMAT, check_format
from interlock.settings import Settings

_ALIVE = timedelta(seconds=5)
_MOST_NAMED = 5
Outcome = Literal["ok", "repaired", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """What one check found. Only `error` means that something is (still) wrong."""

    check: str
    outcome: Outcome
    detail: str


def examine(settings: Settings, *, repair: bool = False, give_up: bool = False) -> Iterator[Finding]:
    """Make every check, one after the other. Those that need a home folder are left out where there is none.

    Args:
        settings: The home.
        repair: Whether to mend what can be mended. No server may run on the folder.
        give_up: Whether to give up rows whose files are gone, so that the others can be read.

    Raises:
        HomeError: It is to be repaired, and a server runs on it.
    """
    first = _shielded("home", _home, settings)
    yield first
    if first.outcome == "error":
        return
    with home.locked(settings.home) if repair else nullcontext():
        is_running = not repair and _is_running(settings)
        for name, check in _checks(is_running=is_running, repair=repair, give_up=give_up).items():
            yield _shielded(name, check, settings)


def _checks(*, is_running: bool, repair: bool, give_up: bool) -> dict[str, Callable[[Settings], Finding]]:
    """In an order in which what is mended first is of use to what comes after."""
    mended: dict[str, Callable[[Settings], Iterable[Damage]]] = {
        "leftovers": partial(_leftovers, is_running=is_running),
        "tables": partial(_tables, give_up=give_up),
        "spools": _spools,
        "pins": _pins,
    }
    return {
        "processes": partial(_processes, is_running=is_running),
        "store": _store,
        "audit": _audit,
        "artifacts": _artifacts,
        **{name: partial(_judge, name, find, repair) for name, find in mended.items()},
        "log": _log,
        "images": _images,
        "privacy": _privacy,
        "labels": _labels,
        "alerts": _alerts,
        "disk": _disk,
    }


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


def _processes(settings: Settings, *, is_running: bool) -> Finding:
    if not is_running:
        return Finding("processes", "warning", "no server runs on this folder")
    parts = json.loads((settings.run / "processes.json").read_text())
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
    wrong = [f"{_missing_rows(endpoint)} of {name}" for name, endpoint in found.items() if not endpoint.holds]
    if wrong:
        detail = f"{', '.join(wrong)}; no repair brings rows back that are nowhere, a backup may have them"
        return Finding("log", "error", detail)
    quarantined = sum(endpoint.quarantined for endpoint in found.values())
    rows = sum(endpoint.logged for endpoint in found.values())
    if quarantined:
        return Finding(
            "log", "warning", f"{quarantined} damaged row(s) were set aside in the spool's quarantine folder"
        )
    return Finding("log", "ok", f"{len(found)} endpoint(s), {rows} rows, every acknowledged row is accounted for")


def _images(settings: Settings) -> Finding:
    """Files that rows name: each is there and is what its name says."""
    log, images, checked = DeltaLog(settings.log), ImageLog(settings.log), 0
    bad: list[str] = []
    for endpoint in log.endpoints("predictions"):
        for name in sorted(image_names.named([log], endpoint)):
            checked += 1
            try:
                images.read(endpoint, name)
            except InvalidInputError as error:
                bad.append(str(error))
    if bad:
        more = f" and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        return Finding("images", "error", f"{'; '.join(bad[:_MOST_NAMED])}{more}: a backup may have them")
    return Finding("images", "ok", f"{checked} image(s) are what rows name")


def _privacy(settings: Settings) -> Finding:
    """The key of hashes: a new one would match nothing that was hashed before."""
    path = settings.home / KEY_NAME
    if path.exists():
        if fault := fault_of_key(path):
            return Finding("privacy", "error", fault)
        return Finding("privacy", "ok", f"{KEY_NAME} is there, and closed to others")
    log = DeltaLog(settings.log)
    hashed = [
        endpoint
        for endpoint in log.endpoints("predictions")
        if any(name.endswith(HASHED) for name in log.schema("predictions", endpoint).names)
    ]
    if hashed:
        what = f"{KEY_NAME} is missing, and the log of {', '.join(hashed)} has hashes made with it"
        return Finding("privacy", "error", f"{what}: restore it from a backup before the next start makes another")
    return Finding("privacy", "ok", "no key yet: nothing was hashed")


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


def _alerts(settings: Settings) -> Finding:
    """Notices that their channels do not take, and incidents that nobody has acknowledged."""
    with closing(bootstrap.build_store(settings)) as store, store.read() as tx:
        firing = sum(alert.state == "firing" for alert in tx.alerts.open())
        refused = [delivery for delivery in tx.deliveries.waiting() if delivery.last_error]
    if refused:
        why = {delivery.channel: delivery.last_error for delivery in refused}
        said = "; ".join(f"{channel}: {error}" for channel, error in why.items())
        return Finding("alerts", "warning", f"{len(refused)} notice(s) are tried again and again: {said}")
    return Finding("alerts", "ok", f"{firing} incident(s) that nobody has acknowledged, no notice was refused")


def _missing_rows(sums: Reconciliation) -> str:
    known = sums.logged + sums.waiting + sums.quarantined + sums.unrecorded
    if known < sums.acknowledged:
        return f"{sums.acknowledged - known} acknowledged row(s) are missing"
    return f"{known - sums.acknowledged} row(s) more than were acknowledged are there"


def _is_running(settings: Settings) -> bool:
    """Whether a supervisor holds the folder. What it wrote about itself outlives it when it is killed."""
    try:
        server = json.loads((settings.run / "server.json").read_text())
        os.kill(server["pid"], 0)
        with home.locked(settings.home):
            return False
    except (FileNotFoundError, ProcessLookupError):
        return False
    except HomeError:
        return True


def _judge(check: str, find: Callable[[Settings], Iterable[Damage]], repair: bool, settings: Settings) -> Finding:
    """Mend what can be mended, if it is to be, and say what is left."""
    found = list(find(settings))
    mended = [damage.mend() for damage in found if repair and damage.mend is not None]
    left = [damage for damage in found if not (repair and damage.mend is not None)]
    said = [*mended, *(f"{damage.what}: {_remedy(damage)}" for damage in left)]
    if not found:
        return Finding(check, "ok", "nothing is amiss")
    if not left:
        return Finding(check, "repaired", "; ".join(said))
    outcome: Outcome = "error" if any(damage.outcome == "error" for damage in left) else "warning"
    return Finding(check, outcome, "; ".join(said))


def _remedy(damage: Damage) -> str:
    return damage.remedy if damage.mend is None else "`interlock doctor --repair` mends it"


def _leftovers(settings: Settings, *, is_running: bool) -> Iterator[Damage]:
    with closing(bootstrap.build_store(settings)) as store:
        yield from leftovers.find(settings, store, is_running=is_running)


def _tables(settings: Settings, *, give_up: bool) -> Iterator[Damage]:
    log = DeltaLog(settings.log)
    with closing(bootstrap.build_store(settings)) as store:
        for kind in KINDS:
            for endpoint in log.endpoints(kind):
                with store.read() as tx:
                    roots = [pins.root(settings.log, pin) for pin in tx.pins.list(endpoint)]
                yield from table_damage.find(log, kind, endpoint, roots, give_up=give_up)


def _spools(settings: Settings) -> Iterator[Damage]:
    with closing(bootstrap.build_store(settings)) as store:
        for folder in sorted(settings.spools.glob("[!.]*/")):
            yield from spool_damage.find(folder, DeltaLog(settings.log), store)


def _pins(settings: Settings) -> Iterator[Damage]:
    with closing(bootstrap.build_store(settings)) as store, store.read() as tx:
        found = tx.pins.list()
    for pin in found:
        for fault in pins.faults(settings.log, pin):
            yield Damage(
                fault, "error", None, f"restore a backup, or let go of it: `interlock log unpin {pin.endpoint}`"
            )


def _disk(settings: Settings) -> Finding:
    status = os.statvfs(settings.home)
    free = status.f_bavail * status.f_frsize
    if free < 512 * 1024**2:
        return Finding("disk", "warning", f"{free // 1024**2} MiB free; without space predictions are refused")
    return Finding("disk", "ok", f"{free // 1024**3} GiB free")
