"""Rows drawn for people to label, and their answers. Called by the control API; each act is in the audit log.

Labels do not go from here into the log: what counts goes by the gateway like every label, so that it is written down
before it is acknowledged. Here stands what the ledger has no place for: chances, and who said what.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from interlock.domain.access import Key
from interlock.domain.annotation import Answer, Export, Rule, Task
from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.row_condition import spell
from interlock.predictions.image_log import ImageLog
from interlock.predictions.reader import LogReader
from interlock.predictions.unlabelled import Chosen
from interlock.review import agreement, task_rows
from interlock.review.drawing import draw, judge
from interlock.review.label_reading import read_label
from interlock.review.resolution import Resolution, resolve
from interlock.store.database import Store
from interlock.store.transaction import Transaction

RANDOM_SHARE = 0.25
"""With a quarter of every chance the same for all, no row weighs over four times what it would in a plain sample."""

MOST = 10_000
"""Rows of one draw."""

# Rows that are looked at: of more, a simple random sample. What few hundred to pick is not limited by it.
_MOST_CANDIDATES = 200_000
_LONGEST_NAME = 256

SOURCE = "annotator"
"""Of the labels in the ledger."""


class Annotations:
    """Draws and answers of all endpoints.

    Args:
        store: Draws, tasks, answers, versions.
        reader: The log.
        images: Kept images.
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, reader: LogReader, images: ImageLog, clock: Callable[[], datetime]) -> None:
        self._store, self._reader, self._images, self._clock = store, reader, images, clock

    def export(
        self,
        endpoint: str,
        budget: int,
        *,
        actor: Key,
        since: datetime | None = None,
        until: datetime | None = None,
        random_share: float = RANDOM_SHARE,
        seed: int | None = None,
        chosen: Chosen | None = None,
    ) -> dict[str, Any]:
        """Draw rows without a label. What was drawn before is not drawn again.

        Args:
            endpoint: Whose.
            budget: How many.
            actor: Who asks.
            since: From which event on; by default from where the last draw ended.
            until: Up to which event, not included; by default now.
            random_share: Part of every row's chance that is the same for all, over 0, at most 1.
            seed: Of the draw; by default any.
            chosen: Rows that are wanted in place of what the usual criteria want. The others come with their part of
                `random_share`, so the draw stays one of all rows; a next draw does not begin where this one ends.

        Returns:
            `export`, `tasks`, `question` (what is asked), and `overlaps`: ids of earlier draws from the same time. With
            nothing to draw from, `export` has the id 0, and nothing is kept.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: A number or time is not legal.
        """
        _check(budget, random_share)
        now = self._clock()
        with self._store.read() as tx:
            contract = _contract(tx, endpoint)
            before, known = tx.annotations.exports(endpoint), tx.annotations.tasks(endpoint)
        until = until or now
        since = since or max((each.until for each in before if not each.chosen), default=None)
        if since is not None and since >= until:
            raise InvalidInputError(f"since == {since.isoformat()}, must be before until == {until.isoformat()}")
        seed = secrets.randbelow(2**31) if seed is None else seed
        wanted = Export(
            endpoint=endpoint, since=since, until=until, created_at=now, created_by=actor.name, rows=0, drawn=0,
            random_share=random_share, seed=seed, chosen=_in_words(chosen),
        )  # fmt: skip
        made, tasks, rows = self._draw(wanted, budget, [task.prediction_id for task in known], chosen)
        if tasks:
            made = self._keep(made, tasks, actor)
        return {
            "export": msgspec.to_builtins(made),
            "tasks": list(task_rows.describe(tasks, rows, contract, self._images, endpoint)),
            "question": _question(contract),
            "overlaps": [each.id for each in before if not _is_apart(each, since, until)],
        }

    def drawn(self, endpoint: str, id: int) -> dict[str, Any]:
        """What an earlier draw gave: `export`, `tasks` and `question`. Rows that were forgotten are gone.

        Raises:
            NotFoundError: There is no such endpoint, or no such draw of it.
        """
        with self._store.read() as tx:
            contract = _contract(tx, endpoint)
            made = next((each for each in tx.annotations.exports(endpoint) if each.id == id), None)
            if made is None:
                raise NotFoundError("export", str(id), [str(each.id) for each in tx.annotations.exports(endpoint)])
            tasks = {each.prediction_id: each for each in tx.annotations.tasks(endpoint) if each.export == id}
        rows = self._reader.some(endpoint, made.since, made.until, list(tasks))
        there = [tasks[each] for each in rows["prediction_id"].to_pylist()]
        return {
            "export": msgspec.to_builtins(made),
            "tasks": list(task_rows.describe(there, rows, contract, self._images, endpoint)),
            "question": _question(contract),
        }

    def overview(self, endpoint: str) -> dict[str, Any]:
        """Draws with how many of their rows have an answer, and how far annotators agree.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        with self._store.read() as tx:
            contract = _contract(tx, endpoint)
            exports, tasks, answers = (
                tx.annotations.exports(endpoint), tx.annotations.tasks(endpoint), tx.annotations.answers(endpoint),
            )  # fmt: skip
        answered = {each.prediction_id for each in answers}
        of_export: dict[int, int] = defaultdict(int)
        for task in tasks:
            of_export[task.export] += task.prediction_id in answered
        return {
            "endpoint": endpoint,
            "exports": [{**msgspec.to_builtins(each), "answered": of_export[each.id]} for each in exports],
            "agreement": msgspec.to_builtins(_agreement(contract, answers)),
        }

    def answer(
        self,
        endpoint: str,
        given: Sequence[Mapping[str, Any]],
        *,
        actor: Key,
        rule: Rule = "majority",
        fewest: int = 1,
    ) -> dict[str, Any]:
        """Keep what annotators said, and say which labels stand now.

        Args:
            endpoint: Whose.
            given: Each with `prediction_id`, `annotator` and `label`.
            actor: Who brings them.
            rule, fewest: As of `resolution.resolve`.

        Returns:
            `accepted`, `rejected` (`index`, `error`), `labels` as the gateway takes them, for the cases of these
            answers that are resolved; `too_few` and `contested`, how many of them are not; and `agreement` on all.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: `fewest` is not legal.
        """
        if fewest < 1:
            raise InvalidInputError(f"fewest == {fewest}, must be at least 1")
        now = self._clock()
        with self._store.transaction() as tx:
            contract = _contract(tx, endpoint)
            tasks = {each.prediction_id: each for each in tx.annotations.tasks(endpoint, _ids(given))}
            answers, rejected = _read(given, contract, tasks, now)
            tx.annotations.put_answers(endpoint, answers)
            if answers:
                details = {"answers": len(answers), "rejected": len(rejected), "rule": rule, "fewest": fewest}
                tx.audit.append(now, actor.name, actor.role, "annotation.answer", endpoint, details)
            everything = tx.annotations.answers(endpoint)
        touched = {each.prediction_id for each in answers}
        found = _resolutions([each for each in everything if each.prediction_id in touched], contract, rule, fewest)
        return {
            "accepted": len(answers),
            "rejected": rejected,
            "labels": [
                {"prediction_id": id, "label": each.label, "source": SOURCE, "weight": tasks[id].weight}
                for id, each in found.items()
                if each.state == "resolved"
            ],
            "too_few": sum(each.state == "too_few" for each in found.values()),
            "contested": sum(each.state == "contested" for each in found.values()),
            "agreement": msgspec.to_builtins(_agreement(contract, everything)),
        }

    def _draw(
        self, wanted: Export, budget: int, without: Sequence[str], chosen: Chosen | None
    ) -> tuple[Export, list[Task], pa.Table]:
        found = self._reader.unlabelled(
            wanted.endpoint,
            wanted.since,
            wanted.until,
            without=without,
            most=_MOST_CANDIDATES,
            seed=wanted.seed,
            chosen=chosen,
        )
        if not found.total:
            return wanted, [], found.rows
        versions = self._versions(found.rows["version"].unique().to_pylist())
        drawn = draw(judge(found.rows, versions), budget, wanted.random_share, np.random.default_rng(wanted.seed))
        rows = found.rows.take(pa.array(drawn.rows))
        tasks = [
            Task(prediction_id=id, export=0, chance=chance * found.share, reason=reason)
            for id, chance, reason in zip(
                rows["prediction_id"].to_pylist(), drawn.chances.tolist(), drawn.reasons, strict=True
            )
        ]
        made = msgspec.structs.replace(wanted, rows=found.total, drawn=len(tasks), evidence=drawn.evidence)
        return made, tasks, rows

    def _versions(self, refs: Sequence[str | None]) -> dict[str, ModelVersion]:
        found = {}
        with self._store.read() as tx:
            for ref in refs:
                try:
                    found[str(ref)] = tx.models.get(str(ref))
                except (NotFoundError, InvalidInputError):  # its rows can still come by chance
                    continue
        return found

    def _keep(self, made: Export, tasks: Sequence[Task], actor: Key) -> Export:
        with self._store.transaction() as tx:
            added = tx.annotations.add(made, tasks)
            details: dict[str, Any] = {"export": added.id, "rows": added.rows, "drawn": added.drawn}
            if added.chosen:
                details["chosen"] = added.chosen
            tx.audit.append(added.created_at, actor.name, actor.role, "annotation.export", added.endpoint, details)
        return added


def _contract(tx: Transaction, endpoint: str) -> Contract:
    tx.endpoints.get(endpoint)
    return tx.models.get(tx.plans.current(endpoint).champion).contract


def _check(budget: int, random_share: float) -> None:
    faults = []
    if not 1 <= budget <= MOST:
        faults.append(f"budget == {budget}, must be 1 to {MOST}")
    if not 0 < random_share <= 1:
        faults.append(f"random_share == {random_share}, must be over 0 (every row must be able to come), at most 1")
    if faults:
        raise InvalidInputError(*faults)


def _in_words(chosen: Chosen | None) -> str:
    if chosen is None:
        return ""
    named = f"{len(chosen.ids)} rows by name" if chosen.ids else ""
    return " or ".join(part for part in (spell(chosen.conditions), named) if part)


def _is_apart(export: Export, since: datetime | None, until: datetime) -> bool:
    ends_before = since is not None and export.until <= since
    return ends_before or (export.since is not None and until <= export.since)


def _question(contract: Contract) -> dict[str, Any]:
    return {
        "task": contract.task,
        "classes": list(contract.classes),
        "images": [field.name for field in contract.inputs if field.image is not None],
    }


def _ids(given: Sequence[Mapping[str, Any]]) -> list[str]:
    return [each["prediction_id"] for each in given if isinstance(each.get("prediction_id"), str)]


def _read(
    given: Sequence[Mapping[str, Any]], contract: Contract, tasks: Mapping[str, Task], now: datetime
) -> tuple[list[Answer], list[dict[str, Any]]]:
    answers: list[Answer] = []
    rejected: list[dict[str, Any]] = []
    for index, each in enumerate(given):
        try:
            answers.append(_answer(each, contract, tasks, now))
        except InvalidInputError as error:
            rejected.append({"index": index, "error": str(error)})
    return answers, rejected


def _answer(given: Mapping[str, Any], contract: Contract, tasks: Mapping[str, Task], now: datetime) -> Answer:
    id, annotator = given.get("prediction_id"), given.get("annotator")
    if not isinstance(id, str) or id not in tasks:
        raise InvalidInputError(
            f"prediction_id == {id!r} was not exported for annotation; send its label with `interlock label`"
        )
    if not isinstance(annotator, str) or not 0 < len(annotator) <= _LONGEST_NAME:
        raise InvalidInputError(f"annotator == {annotator!r}, must be a name of 1 to {_LONGEST_NAME} characters")
    return Answer(prediction_id=id, annotator=annotator, label=read_label(contract, given.get("label")), at=now)


def _resolutions(answers: Sequence[Answer], contract: Contract, rule: Rule, fewest: int) -> dict[str, Resolution]:
    by_case: dict[str, list[Answer]] = defaultdict(list)
    for each in answers:
        by_case[each.prediction_id].append(each)
    is_classes = contract.task != "regression"
    return {id: resolve(said, rule=rule, fewest=fewest, is_classes=is_classes) for id, said in by_case.items()}


def _agreement(contract: Contract, answers: Sequence[Answer]) -> agreement.Agreement:
    return agreement.measure(answers, is_classes=contract.task != "regression")
