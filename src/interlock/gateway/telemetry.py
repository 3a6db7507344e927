"""Readings of devices over HTTP: `POST /telemetry/{device}`. What is acknowledged is on the disk.

Handled as labels are: a small message is decoded and appended in the event loop, and the disk is waited for in a
thread, once for all messages that came meanwhile, so that predictions beside it are not held up.
"""

import asyncio
import time

import msgspec

from interlock.domain.errors import InvalidInputError, UnrecordedError
from interlock.gateway.exchange import JSON, Answer
from interlock.gateway.group_sync import GroupSync
from interlock.gateway.readings import BadMessageError, Heard, parse
from interlock.gateway.recording import Recorder
from interlock.predictions.records import TelemetryRecord, UnreadMessages, encoder


class RejectedReading(msgspec.Struct, gc=False):
    """A reading that was not taken, and why."""

    sensor: str
    error: str


class TelemetryAnswer(msgspec.Struct, gc=False):
    """The JSON of an answer."""

    accepted: int
    rejected: list[RejectedReading]


_encoder = msgspec.json.Encoder()


class Telemetry:
    """Takes readings.

    Args:
        spool: Where records go.
    """

    def __init__(self, spool: Recorder) -> None:
        self._spool = spool
        self._group_sync = GroupSync(spool.sync)

    async def accept(self, device: str, body: bytes) -> Answer:
        """Keep the good readings of a message; the others are told of, and counted.

        Raises:
            InvalidInputError: Nothing of it can be taken. That is counted too.
            UnrecordedError: They could not be written; none was taken.
        """
        now_us = time.time_ns() // 1000
        try:
            heard = parse(device, body, now_us)
        except BadMessageError as error:
            self._count(now_us, UnreadMessages(error.reason, 1, f"{device[:128]}: {error}"[:300]))
            raise InvalidInputError(*error.faults) from error
        record = TelemetryRecord(now_us, "http", heard.readings, [*heard.unread.values()])
        self._spool.append(encoder.encode(record), rows=0, endpoint="", to_be_synced=bool(heard.readings))
        if heard.readings:
            await self._synced()
        return Answer(_encoder.encode(_answer(heard)), 200, [JSON])

    def _count(self, now_us: int, unread: UnreadMessages) -> None:
        self._spool.append(encoder.encode(TelemetryRecord(now_us, "http", [], [unread])), rows=0, endpoint="")

    async def _synced(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: UnrecordedError | None) -> None:
            if future.done():  # its caller has hung up
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self._group_sync.call_when_synced(done)
        await future


def _answer(heard: Heard) -> TelemetryAnswer:
    return TelemetryAnswer(len(heard.readings), [RejectedReading(*each) for each in heard.rejected])
