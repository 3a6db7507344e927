"""Lines of the tables of error rates: what was counted, what was promised, and how they get into a page."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cell:
    """One line of a table: in how many of the runs something happened, and what was promised.

    Args:
        what: The first columns of the line.
        seed: Chance starts from it.
        runs: Trials: runs, or looks where each look is one.
        hits: In how many of them it happened.
        promised: A share, 0 to 1.
        at_most: Whether the promise is an upper bound.
        peers: Shares of Evidently's and NannyML's rules on the same rows.
        spread: Standard error of the share where trials of one run are not independent; None where they are.
    """

    what: str
    seed: int
    runs: int
    hits: float
    promised: float
    at_most: bool
    peers: tuple[float, float] = (0.0, 0.0)
    spread: float | None = None

    @property
    def share(self) -> float:
        return self.hits / self.runs

    @property
    def kept(self) -> bool:
        """Whether the promise holds within three standard errors of this many runs."""
        noise = 3 * (self.spread or (self.promised * (1 - self.promised) / self.runs) ** 0.5)
        return bool(self.share <= self.promised + noise if self.at_most else self.share >= self.promised - noise)


def put_between(page: Path, start: str, end: str, text: str) -> None:
    """Replace what stands between two marks of a page, each on a line of its own."""
    before, rest = page.read_text().split(start)
    page.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}")
