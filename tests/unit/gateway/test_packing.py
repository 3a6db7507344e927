import gzip
import zlib

import pytest

from interlock.gateway import packing
from interlock.gateway.exchange import Answer

pytestmark = pytest.mark.anyio
BODY = b"0.123456, " * 5_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("body", [BODY[:2_000], BODY], ids=["in the loop", "in a thread"])
async def test_answers_are_packed_as_the_caller_accepts(body: bytes) -> None:
    for accepted, unpack in ((b"gzip", gzip.decompress), (b"br, Deflate;q=0.5", zlib.decompress)):
        answer = Answer(body)
        await packing.pack(answer, accepted)
        assert unpack(answer.body) == body
        assert (b"vary", b"accept-encoding") in answer.headers


@pytest.mark.parametrize("accepted", [b"", b"br", b"identity", b"gzip;q=0, deflate; q=0"])
async def test_answers_stay_as_they_are_for_other_callers(accepted: bytes) -> None:
    answer = Answer(BODY)
    await packing.pack(answer, accepted)
    assert answer.body == BODY


def test_small_answers_are_not_worth_it() -> None:
    assert not packing.is_worth_it(Answer(BODY[:1000]))
    assert packing.is_worth_it(Answer(BODY))
