"""Made-up predictions: thirty columns of the kinds that real tables have, ids, outputs and labels."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

COLUMNS = tuple(f"f{number:02d}" for number in range(30))


@dataclass(frozen=True)
class Rows:
    """Rows of predictions.

    Args:
        inputs: Shape (rows, 30).
        scores: Probability of the positive class, shape (rows,).
        truth: Whether it came true, shape (rows,).
    """

    inputs: NDArray[np.float64]
    scores: NDArray[np.float64]
    truth: NDArray[np.bool_]

    @property
    def count(self) -> int:
        return len(self.scores)


def make(rows: int, *, seed: int) -> Rows:
    """Ten columns each of measurements, of amounts with cents, and of counts."""
    rng = np.random.default_rng(seed)
    measurements = rng.normal(size=(rows, 10))
    amounts = np.round(rng.lognormal(4, 1, (rows, 10)), 2)
    counts = rng.poisson(5, (rows, 10)).astype(np.float64)
    scores = 1 / (1 + np.exp(-measurements[:, 0] - 0.5 * measurements[:, 1]))
    return Rows(np.hstack([measurements, amounts, counts]), scores, rng.random(rows) < scores)


def uuids(rows: int, *, seed: int, at_us: NDArray[np.int64]) -> pa.Array:
    """UUIDv7 texts: the time in milliseconds first, then chance."""
    rng = np.random.default_rng(seed)
    values = np.empty((rows, 16), dtype=np.uint8)
    values[:, 6:] = rng.integers(0, 256, (rows, 10), dtype=np.uint8)
    values[:, :6] = (at_us // 1000).astype(">u8").view(np.uint8).reshape(rows, 8)[:, 2:]
    values[:, 6] = values[:, 6] & 0x0F | 0x70
    values[:, 8] = values[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    text = np.empty((rows, 36), dtype=np.uint8)
    places = [place for place in range(36) if place not in (8, 13, 18, 23)]
    text[:, [8, 13, 18, 23]] = ord("-")
    text[:, places[0::2]] = digits[values >> 4]
    text[:, places[1::2]] = digits[values & 0x0F]
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(36), rows, [None, pa.py_buffer(text.tobytes())])
    return pc.cast(fixed.cast(pa.binary()), pa.string())
