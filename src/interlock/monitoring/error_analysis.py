"""What errors of a window have in common: its rows, what tags explain of them, slices in which they concentrate.

Called by the API and the pages. The log counts and samples; the store has tags and rules.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from interlock.domain.errors import NotFoundError
from interlock.domain.row_condition import parse, spell
from interlock.monitoring import error_slices
from interlock.monitoring.error_slices import Slices
from interlock.monitoring.windows import HOUR
from interlock.predictions.mistakes import Mistake, Mistakes, Order, Question, Shown, Tagged, TagTotals, Totals
from interlock.store.database import Store

LONGEST = timedelta(days=92)
"""Of a window."""

SAMPLE = 20_000
"""Rows that the search for slices looks at: with 200 columns about a second of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows a person asks for: as `Question`, with a length for a window and texts for conditions."""

    endpoint: str
    window: timedelta = timedelta(days=7)
    shown: Shown = "wrong"
    below: float = 0.6
    version: str = ""
    label: str = ""
    answer: str = ""
    tag: str = ""
    where: str = ""
    order: Order | None = None
    offset: int = 0
    limit: int = 50
    most_inputs: int | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag explains.

    Args:
        where: Its rule; empty if it is by hand alone.
        by_hand: Rows that people gave it, of all times.
        found: In the window; None where its rule cannot be asked of the log.
        share: Of all errors of the window, 0 to 1.
        gain: What accuracy, or the mean error, would gain if its rows were right.
        fault: Why its rule cannot be asked; empty if it can.
    """

    name: str
    where: str
    by_hand: int
    found: TagTotals | None
    share: float | None = None
    gain: float | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """Errors of a window, how many rows are wanted, and what each tag explains, the most first."""

    since: datetime
    until: datetime
    is_regressor: bool
    totals: Totals
    matching: int
    tags: tuple[Tag, ...]


class ErrorAnalysis:
    """Answers about the errors of endpoints.

    Args:
        store: Tags and rules.
        mistakes: The log.
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, mistakes: Mistakes, clock: Callable[[], datetime]) -> None:
        self._store, self._mistakes, self._clock = store, mistakes, clock

    def question(self, wanted: Wanted) -> Question:
        """What is asked of the log. A window ends with the newest hour that has an event.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: The condition is none.
        """
        with self._store.read() as tx:
            tx.endpoints.get(wanted.endpoint)
            latest = tx.profiles.latest_hour(wanted.endpoint)
        until = (latest or self._clock().replace(minute=0, second=0, microsecond=0)) + HOUR
        is_regressor = self._mistakes.answers(wanted.endpoint).is_regressor
        known = {each.name: each for each in self.tagged(wanted.endpoint)}
        return Question(
            endpoint=wanted.endpoint,
            since=until - min(max(HOUR, wanted.window), LONGEST),
            until=until,
            shown=wanted.shown,
            below=wanted.below,
            version=wanted.version.strip(),
            label=wanted.label.strip(),
            answer=wanted.answer.strip(),
            conditions=parse(wanted.where),
            tag=known.get(wanted.tag.strip(), Tagged(wanted.tag)) if wanted.tag.strip() else None,
            order=wanted.order or ("-error" if is_regressor else "score" if wanted.shown == "unsure" else "-score"),
            offset=wanted.offset,
            limit=wanted.limit,
            most_inputs=wanted.most_inputs,
        )

    def tagged(self, endpoint: str) -> list[Tagged]:
        """Every tag of an endpoint, by hand and by rule."""
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            by_hand = tx.error_tags.of_endpoint(endpoint)
            rules = {each.tag: each.conditions for each in tx.error_rules.list(endpoint)}
        return [Tagged(name, by_hand.get(name, []), rules.get(name, ())) for name in sorted({*by_hand, *rules})]

    def count(self, question: Question) -> int:
        """How many rows are wanted. Raises InvalidInputError where a condition cannot be asked of the log."""
        return self._mistakes.count(question)

    def row(self, question: Question, prediction_id: str) -> Mistake:
        """One row with all its inputs.

        Raises:
            NotFoundError: It is not in the window.
        """
        one = replace(
            question, shown="any", tag=Tagged("one", (prediction_id,)), conditions=(), label="", answer="", version="",
            offset=0, limit=1,
        )  # fmt: skip
        rows = self.rows(one)
        if not rows:
            raise NotFoundError("prediction of this window", prediction_id)
        return rows[0]

    def rows(self, question: Question) -> list[Mistake]:
        """The rows of one page, each with its tags. Raises as `count`."""
        tags = self.tagged(question.endpoint)
        faults = self._mistakes.faults(question.endpoint, tags)
        return self._mistakes.page(question, [_without_rule(each) if each.name in faults else each for each in tags])

    def explain(self, question: Question) -> Explained:
        """Count the window, and the tags in it. A rule that cannot be asked of the log is told, and costs no other."""
        (totals, matching), tags = self._mistakes.both(question), self.tagged(question.endpoint)
        faults = self._mistakes.faults(question.endpoint, tags)
        found = self._mistakes.of_tags(question, [each for each in tags if each.name not in faults])
        told = [
            _tag(each, found.get(each.name), totals, faults.get(each.name, ""))
            for each in tags
            if each.name in found or each.name in faults
        ]
        is_regressor = self._mistakes.answers(question.endpoint).is_regressor
        told.sort(key=lambda each: (-(each.found.error if each.found else 0.0), each.name))
        return Explained(question.since, question.until, is_regressor, totals, matching, tuple(told))

    def slices(self, question: Question, *, seed: int = 1) -> Slices:
        """Look for slices among the labelled rows of the window for which the question's conditions hold.

        The same log and seed give the same.
        """
        rows = self._mistakes.sample(question, most=SAMPLE, seed=seed)
        return error_slices.find(rows, rng=np.random.default_rng(seed))


def _without_rule(tag: Tagged) -> Tagged:
    return replace(tag, conditions=())


def _tag(tag: Tagged, found: TagTotals | None, totals: Totals, fault: str) -> Tag:
    return Tag(
        tag.name,
        spell(tag.conditions),
        len(tag.ids),
        found,
        found.error / totals.error if found and totals.error else None,
        found.error / totals.labelled if found and totals.labelled else None,
        fault,
    )
