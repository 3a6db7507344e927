"""One gateway worker: a process that serves the data plane on a socket it inherited, until SIGTERM.

Started by `interlock.process.part` through `bootstrap`. It shares the socket with other workers, and nothing else: its
spool and its memory are its slot's own. SIGTERM stops it accepting, lets requests under way finish, seals the spool,
and ends.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket as sockets
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from interlock.domain.model import ModelVersion
from interlock.domain.ports import Runtime
from interlock.gateway.answering import Answering
from interlock.gateway.app import GatewayApp
from interlock.gateway.catalogue import Catalogue
from interlock.gateway.feedback import Feedback
from interlock.gateway.guards import Guards
from interlock.gateway.handlers import Describe, Handlers, Predict, Report
from interlock.gateway.hosts import HostCheck
from interlock.gateway.http_server import HttpServer
from interlock.gateway.in_flight import InFlight
from interlock.gateway.key_ring import KeyRing
from interlock.gateway.log_gauges import LogGauges
from interlock.gateway.memory import MemoryFile
from interlock.gateway.metrics import Metrics
from interlock.gateway.plan_source import ReadableStore
from interlock.gateway.plans import PlanWatcher
from interlock.gateway.recording import Recording
from interlock.gateway.rejections import Rejections
from interlock.gateway.routes import Routes
from interlock.gateway.served import Board
from interlock.gateway.telemetry import Telemetry
from interlock.gateway.tls import server_context
from interlock.gateway.versions import Versions
from interlock.predictions import reconciliation
from interlock.predictions.hashing import Hasher
from interlock.predictions.spool import Spool
from interlock.runtimes.snapshots import SnapshotLoader
from interlock.settings import Settings
from interlock.store.database import Store

log = logging.getLogger(__name__)

_KEEP_SECONDS = 0.25
_SWITCH_SECONDS = 0.0005

Load = Callable[[ModelVersion], Runtime]


async def run(settings: Settings, listener: sockets.socket, slot: str) -> None:
    """Serve until SIGTERM.

    Args:
        listener: Bound and listening; other workers may have it too.
        slot: `gw0`, `gw1`, ...: names the spool and the memory, the same over restarts.
    """
    store = Store(settings.database_url)
    try:
        async with gateway(settings, store, slot) as app:
            tls = server_context(*settings.tls_files) if settings.tls_files is not None else None
            server = HttpServer(app.handle, tls=tls)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, server.stop)
            # What exists now lives to the end: the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            # Whenever the loop writes or computes, another thread may take the interpreter: not for the usual 5 ms.
            sys.setswitchinterval(_SWITCH_SECONDS)
            await server.serve(listener)
    finally:
        store.close()


@asynccontextmanager
async def gateway(
    settings: Settings, store: ReadableStore, slot: str, *, load: Load | None = None
) -> AsyncIterator[GatewayApp]:
    """Everything of a worker but the HTTP server: follows the store, keeps the spool.

    Args:
        load: Loads a version; by default from the home folder's artifacts.
    """
    load = load or SnapshotLoader(settings.artifacts).load
    with Spool(settings.spools / slot) as spool:
        log_gauges = LogGauges(settings.run / reconciliation.NAME, lambda: datetime.now(UTC))
        metrics = Metrics(settings.run / "metrics", log_gauges)
        in_flight = InFlight(settings.gateway_state / slot / "in_flight")
        board, guards, versions = Board(), Guards(), Versions(load)
        if suspects := in_flight.left_by_predecessor:
            log.warning("this worker died while it computed %s; that gets a process of its own", ", ".join(suspects))
            versions.isolated = suspects
        watcher = PlanWatcher(
            store,
            id=f"{sockets.gethostname()}/{slot}",
            board=board,
            versions=versions,
            guards=guards,
            metrics=metrics,
            memory_file=MemoryFile(settings.gateway_state / slot),
            clock=lambda: datetime.now(UTC),
        )
        rejections = Rejections(spool, metrics, samples=settings.rejected_samples)
        key_ring = KeyRing(no_auth=settings.no_auth, refreshed=watcher.refreshed)
        predict = Predict(
            board, Answering(Recording(spool, metrics, Hasher(settings.home)), guards, metrics, in_flight), rejections
        )
        describe = Describe(board, is_ready=lambda: watcher.is_ready)
        catalogue = Catalogue(board, metrics)
        routes = Routes(
            board,
            predict,
            describe,
            Report(board, Feedback(spool, metrics), Telemetry(spool), metrics),
            settings.default_endpoint,
            catalogue=catalogue,
        )
        board.on_change(routes.rebuild)
        await watcher.start(key_ring)
        in_flight.watch()
        stopping = asyncio.Event()
        keeping = asyncio.create_task(_keep(spool, slot, metrics, rejections, stopping))
        app = GatewayApp(
            routes,
            key_ring,
            HostCheck((settings.host, *settings.allowed_hosts)),
            metrics,
            max_body_bytes=settings.max_body_bytes,
        )
        try:
            async with _grpc(settings, app, Handlers(board, predict, describe, catalogue), key_ring, metrics):
                yield app
        finally:
            # Not cancelled: its thread would go on sealing while the spool is closed.
            stopping.set()
            await keeping
            rejections.write(now=True)
            await watcher.stop()
            await versions.close()
            in_flight.close()


@asynccontextmanager
async def _grpc(
    settings: Settings, app: GatewayApp, handlers: Handlers, key_ring: KeyRing, metrics: Metrics
) -> AsyncIterator[None]:
    """The gRPC server beside HTTP, if it was asked for; only then is its library loaded."""
    if settings.grpc_port is None:
        yield
        return
    from interlock.gateway.grpc_server import GrpcServer
    from interlock.gateway.grpc_service import GrpcService, KeyCheck

    server = GrpcServer(
        GrpcService(handlers, key_ring, metrics),
        KeyCheck(key_ring, metrics),
        max_message_bytes=settings.max_body_bytes,
        tls_files=settings.tls_files,
    )
    app.grpc_port = await server.start(settings.host, settings.grpc_port)
    try:
        yield
    finally:
        await server.stop()


async def _keep(spool: Spool, slot: str, metrics: Metrics, rejections: Rejections, stopping: asyncio.Event) -> None:
    """Hand segments to the collector as they come of age."""
    while not stopping.is_set():
        metrics.acknowledged(slot, Counter(spool.acknowledged) + Counter(spool.unrecorded))
        metrics.write()
        rejections.write()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _KEEP_SECONDS)
        try:
            await asyncio.to_thread(spool.seal)
        except OSError:
            log.warning("the spool's segment could not be sealed; it goes on", exc_info=True)
