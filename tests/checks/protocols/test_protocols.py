"""The same request in every format of the Open Inference Protocol: the same answer, the same record, the same error."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as some

pytest.importorskip("tritonclient.grpc")
from tests.checks.protocols.speakers import SPEAKERS, Question, Reply, Speaker
from tests.integration.gateway import conftest as gateways

from interlock.predictions import segments
from interlock.predictions.records import PredictionRecord, RejectedRecord
from interlock.settings import Settings
from interlock.store.database import Store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two endpoints, one of them with a challenger that always fails."""
    store = Store.open((settings := Settings(home=tmp_path_factory.mktemp("home"), no_auth=True)).database_url)
    world = gateways.World(settings, store)
    world.plan("size", world.register("size:1", gateways.SIZE, gateways.size_model()))
    world.plan("vector", world.register("vector:1", gateways.VECTOR, gateways.vector_model()))
    world.register("price:1", gateways.PRICE, gateways.price_model())
    world.register_faulty("price:2", "raises")
    world.release("price:1", "price:2", guard_max_failure_rate=1.0)
    world.register_faulty("late:1", "late")
    world.plan("late", "late:1", deadline_ms=5000)
    world.register_faulty("broken:1", "raises")
    world.plan("broken", "broken:1")
    with gateways.running(world, grpc_port=0) as found:
        yield found
    store.close()


@pytest.fixture(scope="module")
def tape(server: Any) -> "Tape":
    return Tape(server.world.settings.spools / "gw0")


def texts(*values: str) -> Any:
    return np.array(values, dtype=object)


PRICE = {"area": np.array([50.0, 1.5]), "rooms": np.array([3, 0])}
SIZE = {
    "size": np.array([2.0, -1.0], dtype=np.float32),
    "colour": texts("rot", "grün"),
    "fresh": np.array([True, False]),
}
QUESTIONS = {
    "several rows": Question("size", SIZE, id="mine"),
    "one row": Question("size", {name: values[:1] for name, values in SIZE.items()}),
    "columns of one": Question("size", {name: values.reshape(-1, 1) for name, values in SIZE.items()}),
    "a column that may lack": Question("size", {name: SIZE[name] for name in ("size", "fresh")}),
    "some outputs": Question("size", SIZE, outputs=["probabilities"]),
    "a version": Question("size", SIZE, version="1"),
    "a matrix": Question("price", {"m": np.array([[1.0, 2.0], [3.0, 4.0]])}, version="price:1"),
    "vectors": Question("vector", {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}),
    "other types": Question("price", {"area": np.array([7], np.uint8), "rooms": np.array([2], np.int8)}, version="1"),
    "a key": Question("size", SIZE, headers={"X-Interlock-Key": "anna"}),
    "a time": Question("size", SIZE, parameters={"event_at": "2013-04-01T12:00:00Z"}),
    "parameters of others": Question("size", SIZE, parameters={"priority": 3, "mine": "x", "really": True}),
    "fallback": Question("price", PRICE),
    "unknown endpoint": Question("nope", SIZE),
    "unknown version": Question("size", SIZE, version="9"),
    "unknown input": Question("size", {**SIZE, "taste": np.array([1.0, 2.0])}),
    "missing input": Question("size", {"size": SIZE["size"]}),
    "wrong datatype": Question("size", {**SIZE, "fresh": np.array([1, 2])}),
    "a fraction for a whole number": Question("price", {**PRICE, "rooms": np.array([1.5, 2.0])}),
    "too large a number": Question("size", {**SIZE, "size": np.array([1e300, 0.0])}),
    "rows that differ": Question("size", {**SIZE, "size": np.array([1.0], dtype=np.float32)}),
    "no rows": Question("size", {name: values[:0] for name, values in SIZE.items()}),
    "wrong shape": Question("vector", {"x": np.ones((2, 4), dtype=np.float32)}),
    "unknown output": Question("size", SIZE, outputs=["mood"]),
    "an output twice": Question("size", SIZE, outputs=["label", "label"]),
    "a sequence": Question("size", SIZE, parameters={"sequence_id": 5}),
    "long id": Question("size", SIZE, id="i" * 300),
    "long key": Question("size", SIZE, headers={"X-Interlock-Key": "k" * 300}),
    "no deadline": Question("size", SIZE, headers={"X-Interlock-Deadline-Ms": "soon"}),
    "late": Question("late", PRICE, id="late", headers={"X-Interlock-Deadline-Ms": "30"}),
    "timeout": Question("late", PRICE, id="late", parameters={"timeout": 30_000}),
    "broken": Question("broken", PRICE, id="broken"),
}  # fmt: skip


class Tape:
    """What a worker's spool got since the last look."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._read = folder, dict[int, int]()

    def new(self) -> list[Any]:
        """Records in order. While a segment is being sealed, the next is there already and records still go to it."""
        found: list[Any] = []
        for file in self._listing()[-3:]:
            records = self._records(file)
            new = records[self._read.get(file.sequence, 0) :]
            self._read[file.sequence] = len(records)
            found += [_described(record) for record in new if not isinstance(record, RejectedRecord)]
        return found

    def _listing(self) -> list[segments.SegmentFile]:
        found = segments.listing(self._folder)
        # A file that is renamed meanwhile may be missed.
        while found != (again := segments.listing(self._folder)):
            found = again
        return found

    def _records(self, file: segments.SegmentFile) -> list[Any]:
        try:
            return segments.read(file.path).records
        except FileNotFoundError:
            return segments.read(file.path.with_suffix(".sealed")).records


def _described(record: Any) -> tuple[Any, ...]:
    """A record without ids and times."""
    if not isinstance(record, PredictionRecord):
        return (record.endpoint, record.request_id, record.rows, record.assignment.attempt_status)
    rows = len(record.prediction_ids)
    inputs, outputs = (
        {name: [_comparable(value) for value in values] for name, values in gateways.plain(parts, rows).items()}
        for parts in (record.inputs, record.outputs)
    )
    kind = (record.endpoint, record.version, record.role, record.assignment.attempt_status)
    return (*kind, record.request_ids, record.units, record.rows, record.event_at_us, inputs, outputs)


def _comparable(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def asked(server: Any, tape: Tape, speaker: Speaker, question: Question) -> tuple[Reply, list[Any]]:
    tape.new()
    reply = speaker.ask(server, question)
    # Whether the model or the lane notices first is chance.
    reply.error = re.sub(r"model \S+ gave no answer in [0-9.]+ ms", "late", reply.error)
    return reply, tape.new()


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_format_gives_the_same_answer_record_and_error(server: Any, tape: Tape, name: str) -> None:
    question = QUESTIONS[name]
    expected, expected_records = asked(server, tape, SPEAKERS[0], question)
    assert (expected.code == "OK") == (expected.outputs is not None)
    assert bool(expected_records) == (expected.code in ("OK", "INTERNAL", "DEADLINE_EXCEEDED"))
    for speaker in SPEAKERS[1:]:
        reply, records = asked(server, tape, speaker, question)
        assert reply.fallback in (None, name == "fallback")
        if reply.fallback is None:
            reply.fallback = expected.fallback
        assert reply == expected, speaker.name
        assert records == expected_records, speaker.name


def test_the_questions_have_every_kind_of_answer(server: Any) -> None:
    codes = {SPEAKERS[0].ask(server, question).code for question in QUESTIONS.values()}
    assert codes == {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL", "DEADLINE_EXCEEDED"}


FLOATS = some.floats(allow_nan=False, allow_infinity=False, width=32)
WORDS = some.text(some.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


@some.composite
def sizes(draw: Callable[..., Any]) -> dict[str, Any]:
    rows = draw(some.integers(1, 5))

    def column(values: Any) -> Any:
        return draw(some.lists(values, min_size=rows, max_size=rows))

    return {
        "size": np.array(column(FLOATS), dtype=np.float32),
        "colour": texts(*column(WORDS)),
        "fresh": np.array(column(some.booleans())),
    }


@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(inputs=sizes())
def test_any_valid_rows_are_answered_alike(server: Any, tape: Tape, inputs: dict[str, Any]) -> None:
    question = Question("size", inputs)
    expected, expected_records = asked(server, tape, SPEAKERS[0], question)
    assert expected.code == "OK"
    for speaker in SPEAKERS[1:]:
        reply, records = asked(server, tape, speaker, question)
        assert (reply.outputs, records) == (expected.outputs, expected_records), speaker.name
