"""Free text as numbers that need no language: length, words, and shares of kinds of characters.

Called for text columns, each statistic of which is compared like a numeric column.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STATISTICS = ("length", "words", "digits", "capitals", "beyond_ascii")
"""Characters; runs of non-blanks; and shares of characters."""


def measure(chunks: Iterable[pa.Array]) -> dict[str, Floats]:
    """Statistics of every text, NaN where it is missing.

    Examples:
        >>> found = measure([pa.array(["Two words", None])])
        >>> {name: values[0].round(3).item() for name, values in found.items()}
        {'length': 9.0, 'words': 2.0, 'digits': 0.0, 'capitals': 0.111, 'beyond_ascii': 0.0}
    """
    parts = [_measure(chunk) for chunk in chunks]
    return {name: np.concatenate([np.empty(0), *(part[name] for part in parts)]) for name in STATISTICS}


def _measure(chunk: pa.Array) -> dict[str, Floats]:
    text = pc.cast(chunk, pa.large_string())
    length = _floats(pc.utf8_length(text))
    size = np.maximum(length, 1.0)
    return {
        "length": length,
        "words": _floats(pc.count_substring_regex(text, r"\S+")),
        "digits": _floats(pc.count_substring_regex(text, r"\p{Nd}")) / size,
        "capitals": _floats(pc.count_substring_regex(text, r"\p{Lu}")) / size,
        "beyond_ascii": _floats(pc.count_substring_regex(text, r"[^\x00-\x7F]")) / size,
    }


def _floats(counts: pa.Array) -> Floats:
    return np.asarray(pc.cast(counts, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def looks_like_text(chunk: pa.Array) -> bool:
    """Whether strings are sentences rather than names of categories: mostly different, and of several words."""
    known = chunk.drop_null()[:2_000]
    if len(known) == 0:
        return False
    if pa.types.is_dictionary(known.type):
        known = known.dictionary_decode()
    words = pc.mean(pc.count_substring_regex(pc.cast(known, pa.large_string()), r"\S+")).as_py()
    return bool(words >= 3 and len(pc.unique(known)) > len(known) / 2)
