"""Which block of time each row lies in, so that rows that share an hour or a day are not taken as independent.

Called by quality gates, which sum losses per block for `paired_loss.analyze`. It refuses to claim anything about
correlation over more than the span of the rows, or over more than a day: nothing in them shows it.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Few, so that a block is long against what correlates; more would be cheaper and let more false verdicts through.
_FEWEST_BLOCKS = 10

# Shared causes mostly renew overnight, and more blocks make a sharper variance.
_LONGEST_SECONDS = 86_400.0

# Within an hour a burst is how callers send, not how the world changes: rows are then cut by their number.
BURST_SECONDS = 3600.0


def numbers(event_seconds: ArrayLike) -> NDArray[np.int64]:
    """Number the block of each row, from 0: a tenth of the span, at most a day.

    Args:
        event_seconds: When each row's event was, in seconds since any instant, in any order. Finite.

    Returns:
        One number per row; numbers of blocks without rows are left out.

    Raises:
        ValueError: The times are not finite numbers in one dimension.

    Examples:
        >>> hourly = 3600 * np.arange(12 * 24)
        >>> np.bincount(numbers(hourly)).tolist()
        [24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24]
        >>> np.bincount(numbers(np.arange(5000))).tolist()
        [500, 500, 500, 500, 500, 500, 500, 500, 500, 500]
    """
    times = np.asarray(event_seconds, dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError("event_seconds must be finite numbers in one dimension")
    if len(times) == 0:
        return np.zeros(0, dtype=np.int64)
    elapsed = times - times.min()
    span = float(elapsed.max())
    if span < BURST_SECONDS:
        order = np.argsort(times, kind="stable")
        ranks = np.empty(len(times), dtype=np.int64)
        ranks[order] = np.arange(len(times))
        return _without_gaps(ranks * _FEWEST_BLOCKS // len(times))
    blocks = count(span)
    return _without_gaps(np.minimum(elapsed * blocks // span, blocks - 1).astype(np.int64))


def count(span_seconds: float) -> int:
    """How many blocks a span is cut into: a tenth of it each, at most a day.

    Examples:
        >>> count(3600.0), count(30 * 86400.0)
        (10, 30)
    """
    return max(_FEWEST_BLOCKS, int(np.ceil(span_seconds / _LONGEST_SECONDS)))


def _without_gaps(blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.unique(blocks, return_inverse=True)[1], dtype=np.int64)
