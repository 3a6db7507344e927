"""What was drawn for people to label, and what each of them said. Labels that come of it are in the log's ledger."""

import builtins
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table, and_, delete, func, insert, select

from interlock.domain.annotation import Answer, Export, Task
from interlock.store.repository import Repository
from interlock.store.tables import annotation_answers, annotation_exports, annotation_tasks

# SQLite takes some thousands of parameters in one statement.
_IDS_A_STATEMENT = 500


class AnnotationRepository(Repository):
    """Exports by id, which count from 1; their tasks; answers by prediction and annotator."""

    def add(self, export: Export, tasks: Iterable[Task]) -> Export:
        """Keep a draw with its rows. Returns it with its id, which its tasks get too."""
        newest = self._connection.scalar(select(func.max(annotation_exports.c.id))) or 0
        added = msgspec.structs.replace(export, id=newest + 1)
        self._connection.execute(insert(annotation_exports).values(id=added.id, endpoint=added.endpoint, body=added))
        rows = [
            {
                "endpoint": added.endpoint,
                "prediction_id": task.prediction_id,
                "export_id": added.id,
                "body": msgspec.structs.replace(task, export=added.id),
            }
            for task in tasks
        ]
        if rows:
            self._connection.execute(insert(annotation_tasks), rows)
        return added

    def exports(self, endpoint: str) -> builtins.list[Export]:
        """Draws of an endpoint, oldest first."""
        query = select(annotation_exports.c.body).where(annotation_exports.c.endpoint == endpoint)
        return list(self._connection.scalars(query.order_by(annotation_exports.c.id)))

    def tasks(self, endpoint: str, ids: Sequence[str] | None = None) -> builtins.list[Task]:
        """All tasks of an endpoint, or those of some predictions, in the order in which they were drawn."""
        found: list[Task] = self._of(annotation_tasks, endpoint, ids)
        return sorted(found, key=lambda task: (task.export, task.prediction_id))

    def answers(self, endpoint: str, ids: Sequence[str] | None = None) -> builtins.list[Answer]:
        """All answers of an endpoint, or those to some predictions."""
        found: list[Answer] = self._of(annotation_answers, endpoint, ids)
        return sorted(found, key=lambda answer: (answer.prediction_id, answer.annotator))

    def put_answers(self, endpoint: str, answers: Iterable[Answer]) -> None:
        """Keep answers; one of the same annotator to the same prediction takes the place of an earlier one."""
        rows = {
            (each.prediction_id, each.annotator): {
                "endpoint": endpoint,
                "prediction_id": each.prediction_id,
                "annotator": each.annotator,
                "body": each,
            }
            for each in answers
        }
        self._put_all(annotation_answers, ("endpoint", "prediction_id", "annotator"), list(rows.values()))

    def forget(self, endpoint: str, ids: Collection[str]) -> None:
        """Delete all that names some predictions."""
        for table in (annotation_tasks, annotation_answers):
            for some in _parts(list(ids)):
                named = and_(table.c.endpoint == endpoint, table.c.prediction_id.in_(some))
                self._connection.execute(delete(table).where(named))

    def _of(self, table: Table, endpoint: str, ids: Sequence[str] | None) -> builtins.list[Any]:
        query = select(table.c.body).where(table.c.endpoint == endpoint)
        if ids is None:
            return list(self._connection.scalars(query))
        return [
            each
            for some in _parts(list(dict.fromkeys(ids)))
            for each in self._connection.scalars(query.where(table.c.prediction_id.in_(some)))
        ]


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(ids), _IDS_A_STATEMENT):
        yield ids[start : start + _IDS_A_STATEMENT]
