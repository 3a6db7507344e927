"""Passes on what a process streams out of the log, and ends that process when the caller goes away."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio.to_thread
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from interlock.predictions.streams import LogStream, Match, Selection

ARROW_STREAM = "application/vnd.apache.arrow.stream"


async def stream(root: Path, task: Selection | Match, scratch: Path | None = None) -> StreamingResponse:
    """An answer in Arrow's IPC format. Its first bytes are there before it begins, so errors have their status.

    Raises:
        InvalidInputError: The log cannot be asked so.
        OverloadedError: Too many streams are under way.
    """
    return _LogResponse(await run_in_threadpool(LogStream, root, task, scratch))


class _LogResponse(StreamingResponse):
    def __init__(self, found: LogStream) -> None:
        super().__init__(_chunks(found), media_type=ARROW_STREAM)
        self._found = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Here and not in the generator, which never begins if the caller has gone already.
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._found.close()


async def _chunks(found: LogStream) -> AsyncIterator[bytes]:
    # A thread that waits for the process is left behind when the caller goes; the end of the process ends it. An error
    # here is too late for a status: the connection is cut, so that nobody takes a part for the whole.
    read = partial(anyio.to_thread.run_sync, found.read, abandon_on_cancel=True)
    while chunk := await read():
        yield chunk


async def receive(request: Request, name: str) -> Path:
    """Write a request's body to a file of this name, in a folder of its own that the caller removes."""
    folder = Path(tempfile.mkdtemp(prefix="interlock-"))
    try:
        with (folder / name).open("xb") as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder / name
