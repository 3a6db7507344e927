from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.predictions.frames import HEAD, MARK, pack, parse

# Payloads that look like frames are the hard case: users' texts may hold anything.
PAYLOADS = st.lists(
    st.one_of(st.binary(max_size=40), st.just(MARK), st.just(HEAD.pack(MARK, 3, 7) + b"abc")), min_size=1, max_size=8
)


def whole(payloads: list[bytes]) -> bytes:
    return b"".join(map(pack, payloads))


@given(PAYLOADS)
def test_what_was_packed_is_read(payloads: list[bytes]) -> None:
    found = parse(whole(payloads))
    assert found.payloads == payloads
    assert found.gaps == []
    assert found.end == len(whole(payloads))


@given(PAYLOADS, st.data())
def test_a_cut_costs_only_the_frame_it_goes_through(payloads: list[bytes], data: st.DataObject) -> None:
    written = whole(payloads)
    cut = data.draw(st.integers(0, len(written)))
    untouched = [payload for number, payload in enumerate(payloads) if len(whole(payloads[: number + 1])) <= cut]
    found = parse(written[:cut])
    assert found.payloads == untouched
    assert found.end == len(whole(untouched))


@settings(max_examples=300)
@given(PAYLOADS, st.data())
def test_a_flipped_bit_costs_only_the_frame_it_is_in(payloads: list[bytes], data: st.DataObject) -> None:
    written = bytearray(whole(payloads))
    bit = data.draw(st.integers(0, len(written) * 8 - 1))
    written[bit // 8] ^= 1 << bit % 8
    touched = next(n for n in range(len(payloads)) if bit // 8 < len(whole(payloads[: n + 1])))
    found = parse(bytes(written))
    assert found.payloads == payloads[:touched] + payloads[touched + 1 :]
    assert sum(gap.stop - gap.start for gap in found.gaps) == len(pack(payloads[touched]))


@given(PAYLOADS, st.data())
def test_bytes_that_are_overwritten_cost_only_the_frames_they_reach(payloads: list[bytes], data: st.DataObject) -> None:
    written = bytearray(whole(payloads))
    start = data.draw(st.integers(0, len(written) - 1))
    stop = data.draw(st.integers(start, len(written)))
    written[start:stop] = bytes(stop - start)
    ends = [len(whole(payloads[: number + 1])) for number in range(len(payloads))]
    starts = [0, *ends[:-1]]
    kept = [p for p, first, last in zip(payloads, starts, ends, strict=True) if last <= start or first >= stop]
    found = parse(bytes(written)).payloads
    # Where only zeros were overwritten by zeros, more is whole than must be.
    remaining = iter(found)
    assert all(payload in remaining for payload in kept)
    assert len(found) <= len(payloads)
