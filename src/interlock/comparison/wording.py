"""What texts say, beside what they look like: words that the reference lacks, and words that tell both sides apart.

Called for text columns. Each gives one number per text, which is compared like a numeric column. Words are runs of
letters and digits of any script, in lower case.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from interlock.stats.domain_classifier import domain_scores

Floats = NDArray[np.float64]

# Texts looked at on each side, regularly spread; more say no more.
_MOST_TEXTS = 10_000
_FEWEST_TEXTS = 20

_WORD = re.compile(r"\w+")
_MOST_COMMON = 0.5
_RAREST = 2


@dataclass(frozen=True)
class Wording:
    """Numbers per text, of reference and current rows.

    Args:
        unknown: Share of a text's words that the reference lacks.
        scores: How much a text's words are those of the current rows; None for too few texts.
        auc: How well these tell both sides apart: 0.5 not at all.
    """

    unknown: tuple[Floats, Floats]
    scores: tuple[Floats, Floats] | None
    auc: float | None


def compare_wording(before: Iterable[pa.Array], now: Iterable[pa.Array], rows: tuple[int, int]) -> Wording:
    """Compare the words of two columns of texts.

    Words are learnt from every other text of the reference and counted in the others: counted in texts that they were
    learnt from, none would be unknown.

    Args:
        before, now: Both columns.
        rows: How many rows they have.

    Examples:
        >>> old = pa.array([f"the cat sat on mat {number % 7}" for number in range(60)])
        >>> new = pa.array([f"the dog sat on sofa {number % 7}" for number in range(60)])
        >>> found = compare_wording([old], [new], (60, 60))
        >>> float(found.unknown[0].mean()), round(float(found.unknown[1].mean()), 2), found.auc
        (0.0, 0.33, 1.0)
    """
    texts = [_words(chunks, size) for chunks, size in ((before, rows[0]), (now, rows[1]))]
    known = {word for words in texts[0][::2] for word in words}
    unknown = _unknown(texts[0][1::2], known), _unknown(texts[1], known)
    if min(map(len, texts)) < _FEWEST_TEXTS:
        return Wording(unknown, None, None)
    matrix = _tf_idf([*texts[0], *texts[1]])
    if matrix.shape[1] == 0:
        return Wording(unknown, None, None)
    found = domain_scores(matrix[: len(texts[0])], matrix[len(texts[0]) :])
    return Wording(unknown, (found.reference, found.current), found.auc)


def _words(chunks: Iterable[pa.Array], rows: int) -> list[list[str]]:
    every, seen = max(1, -(-rows // _MOST_TEXTS)), 0
    found: list[list[str]] = []
    for chunk in chunks:
        plain = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
        taken = plain.take(pa.array(np.arange((-seen) % every, len(plain), every)))
        found += [_WORD.findall(text.lower()) for text in taken.to_pylist() if text is not None]
        seen += len(chunk)
    return found


def _unknown(texts: Sequence[Sequence[str]], known: set[str]) -> Floats:
    return np.array([sum(word not in known for word in words) / max(1, len(words)) for words in texts])


def _tf_idf(texts: Sequence[Sequence[str]]) -> csr_matrix:
    """Weights of words, rows of length 1: logarithms of counts, times the logarithm of how rare a word is.

    Words of one text alone cannot tell sides apart, and those of half of all texts say little.

    References:
        Manning, Raghavan & Schütze (2008), Introduction to Information Retrieval, section 6.4.
    """
    having = Counter(word for words in texts for word in set(words))
    kept = [word for word, count in having.items() if _RAREST <= count <= max(_RAREST, _MOST_COMMON * len(texts))]
    places = {word: place for place, word in enumerate(kept)}
    rarity = np.log((1 + len(texts)) / (1 + np.array([having[word] for word in kept]))) + 1
    rows, columns, weights = [], [], []
    for row, words in enumerate(texts):
        for word, count in Counter(words).items():
            if (place := places.get(word)) is not None:
                rows.append(row)
                columns.append(place)
                weights.append((1 + np.log(count)) * rarity[place])
    matrix = csr_matrix((weights, (rows, columns)), shape=(len(texts), len(kept)), dtype=np.float64)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(matrix.indptr))
    return matrix
