"""Which of several labels of one prediction counts: the one rule, as SQL for everyone who joins the log.

Everything that was ever said is kept. What counts is decided by the rows alone, so it is the same in whatever order
they came, in however many files and commits:

1. From the source that stands first in `SOURCES`: what the world showed comes before what somebody judged, and a source
   that is not listed comes last. So a correction is sent under the source of what it corrects.
2. Of one source, what was observed last; then what was accepted last; then what stood last in its request.

Decisions have no ranks: each is a person's, and the last one stands.
"""

from collections.abc import Sequence

SOURCES = ("natural", "batch", "human", "annotator")
"""From the strongest; all others come after them."""

_RANK = f"coalesce(array_position([{', '.join(repr(source) for source in SOURCES)}], source), {len(SOURCES) + 1})"
_LAST = 'observed_at DESC, "at" DESC, batch_row DESC'


def order(said: Sequence[str], *, ranked: bool = True) -> str:
    """The sort order of SQL by which the row that counts comes first.

    Args:
        said: The columns of what was said: they decide where nothing else differs.
        ranked: Whether sources have ranks.
    """
    return ", ".join(
        ([_RANK] if ranked else []) + [_LAST, *(f"{column} DESC" for column in said), "weight DESC", "source"]
    )
