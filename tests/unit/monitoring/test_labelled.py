from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field, Scalar
from interlock.monitoring.labelled import by_version, classified, measured

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


def classifier(*classes: Scalar) -> Contract:
    outputs = (
        Field(name="label", datatype="BOOL"),
        Field(name="probabilities", datatype="FP64", shape=(len(classes),)),
    )
    return Contract(inputs=(), outputs=outputs, task="binary" if len(classes) == 2 else "multiclass", classes=classes)


def rows(labels: list[str | None], numbers: list[float | None], **outputs: list[Any]) -> pa.Table:
    columns = {"label": pa.array(labels, pa.string()), "label_number": pa.array(numbers, pa.float64())}
    columns["event_at"] = pa.array([NOON] * len(labels), pa.timestamp("us", tz="UTC"))
    columns["version"] = pa.array(["m:1"] * len(labels))
    return pa.table(columns | {f"output.{name}": pa.array(values) for name, values in outputs.items()})


@pytest.mark.parametrize("text", ["true", "True", "1"])
def test_true_is_met_in_any_spelling(text: str) -> None:
    number = 1.0 if text == "1" else None
    table = rows([text, "false"], [number, None], label=[True, True], probabilities=[[0.1, 0.9], [0.4, 0.6]])
    found = classified(classifier(False, True), table)
    assert found.actual.tolist() == [1, 0]
    assert found.predicted.tolist() == [1, 1]
    assert found.probabilities is not None
    assert found.probabilities[:, 1].tolist() == [0.9, 0.6]


def test_whole_numbers_and_texts_are_classes_too() -> None:
    assert classified(classifier(0, 1, 2), rows(["2", "0"], [2.0, 0.0], label=[2, 1])).actual.tolist() == [2, 0]
    assert classified(classifier("late", "on time"), rows(["late"], [None], label=["on time"])).predicted.tolist() == [
        1
    ]


def test_labels_that_are_no_class_are_left_out_and_counted() -> None:
    table = rows(["late", "lost", None], [None, None, None], label=["late"] * 3)
    found = classified(classifier("late", "on time"), table)
    assert (found.actual.tolist(), found.unusable) == ([0], 1)


def test_hours_are_those_of_the_event() -> None:
    found = measured(rows(["1.5"], [1.5], prediction=[1.0]))
    assert found.hours.tolist() == [round(NOON.timestamp()) // 3600]


def test_targets_that_are_no_numbers_are_left_out_and_counted() -> None:
    found = measured(rows(["1.5", "many"], [1.5, None], prediction=[1.0, 2.0]))
    assert (found.actual.tolist(), found.unusable) == ([1.5], 1)


def test_an_output_whose_type_changed_is_read_where_it_has_values() -> None:
    table = rows(["1"], [1.0], prediction=pa.array([None], pa.string()))
    table = table.append_column("output.prediction~2", pa.array([3.0]))
    assert measured(table).predicted.tolist() == [3.0]


def test_rows_are_told_apart_by_version() -> None:
    table = rows(["1", "1"], [1.0, 1.0], prediction=[1.0, 2.0])
    table = table.set_column(table.column_names.index("version"), "version", pa.array(["m:2", "m:1"]))
    assert {ref: some.num_rows for ref, some in by_version(table).items()} == {"m:1": 1, "m:2": 1}
