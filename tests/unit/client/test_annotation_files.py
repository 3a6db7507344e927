"""Tasks as files, and answers out of files as annotation tools write them."""

import csv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from interlock.client import annotation_answers, annotation_tasks
from interlock.domain.errors import InvalidInputError

DRAWN: dict[str, Any] = {
    "question": {"task": "binary", "classes": [False, True], "images": ["photo"]},
    "tasks": [
        {
            "prediction_id": "p1",
            "weight": 12.5,
            "chance": 0.08,
            "reason": "drift",
            "event_at": "2026-03-01T12:00:00Z",
            "version": "m:1",
            "predicted": True,
            "inputs": {"x": 1.5, "plan": "a, b", "photo": "data:image/png;base64,AAAA"},
        }
    ],
}


def test_label_studio_tasks_hold_the_case_the_pictures_and_the_weight_but_no_answer(tmp_path: Path) -> None:
    annotation_tasks.write(tmp_path / "t.json", DRAWN, "label-studio")
    (task,) = msgspec.json.decode((tmp_path / "t.json").read_bytes())
    assert task["data"] == {
        "prediction_id": "p1",
        "case": {"x": 1.5, "plan": "a, b", "event_at": "2026-03-01T12:00:00Z"},
        "photo": "data:image/png;base64,AAAA",
    }
    assert task["meta"] == {"weight": 12.5, "chance": 0.08, "reason": "drift"}
    annotation_tasks.write(tmp_path / "t.json", DRAWN, "label-studio", show_predicted=True)
    (task,) = msgspec.json.decode((tmp_path / "t.json").read_bytes())
    assert task["data"]["case"]["predicted"] is True


def test_every_value_that_the_interface_names_is_in_the_tasks(tmp_path: Path) -> None:
    annotation_tasks.write(tmp_path / "t.json", DRAWN, "label-studio")
    (task,) = msgspec.json.decode((tmp_path / "t.json").read_bytes())
    view = ElementTree.fromstring(annotation_tasks.labelling_config(DRAWN["question"]))
    named = [each.get("value", "") for each in view]
    assert {name.removeprefix("$") for name in named if name} <= task["data"].keys()
    assert [each.get("value") for each in view.iter("Choice")] == ["false", "true"]
    for question, kind in (
        ({"task": "regression", "classes": []}, "Number"),
        ({"task": "other", "classes": []}, "TextArea"),
    ):
        other = ElementTree.fromstring(annotation_tasks.labelling_config({**question, "images": []}))
        assert other.find(kind) is not None


def test_a_table_is_filled_in_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    annotation_tasks.write(path, DRAWN, "csv")
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["plan"], row["reason"], float(row["weight"]), row["label"]) == ("a, b", "drift", 12.5, "")
    assert annotation_answers.read(path, annotator="ann") == []
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, list(row))
        out.writeheader()
        out.writerows([row | {"label": " true ", "annotator": "ben"}, row | {"label": "false"}])
    assert annotation_answers.read(path, annotator="ann") == [
        {"prediction_id": "p1", "annotator": "ann", "label": "false"},
        {"prediction_id": "p1", "annotator": "ben", "label": "true"},
    ]


def choice(value: str) -> list[dict[str, Any]]:
    return [
        {"from_name": "comment", "to_name": "case", "type": "textarea", "value": {"text": ["hm"]}},
        {"from_name": "label", "to_name": "case", "type": "choices", "value": {"choices": [value]}},
    ]


def test_an_export_of_label_studio_has_the_answers_of_everyone_but_those_who_skipped(tmp_path: Path) -> None:
    tasks = [
        {
            "id": 7,
            "data": {"prediction_id": "p1", "case": {}},
            "annotations": [
                {"completed_by": 1, "result": choice("true")},
                {"completed_by": {"id": 2, "email": "ben@example.org"}, "result": choice("false")},
                {"completed_by": 3, "was_cancelled": True, "result": choice("true")},
                {"completed_by": 4, "result": []},
            ],
        },
        {
            "id": 8,
            "data": {"prediction_id": "p0"},
            "annotations": [{"completed_by": 1, "result": [{"from_name": "label", "value": {"number": 0}}]}],
        },
    ]
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(tasks))
    assert annotation_answers.read(tmp_path / "a.json") == [
        {"prediction_id": "p0", "annotator": "1", "label": 0},
        {"prediction_id": "p1", "annotator": "1", "label": "true"},
        {"prediction_id": "p1", "annotator": "ben@example.org", "label": "false"},
    ]


def test_the_short_form_of_label_studio_is_read_too(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "prediction_id": "p1", "label": "true", "annotator": 5, "case": {}},
        {"id": 2, "prediction_id": "p2", "annotator": 5},
    ]
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(tasks))
    assert annotation_answers.read(tmp_path / "a.json") == [{"prediction_id": "p1", "annotator": "5", "label": "true"}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "prediction_id,verdict\np1,true\n", "has no column 'label'"),
        ("a.csv", "prediction_id,label\np1,true\n", "--annotator"),
        ("a.csv", b"\xff\xfe\x00", "not a readable csv"),
        ("a.json", "{", "not a readable json"),
        ("a.json", "{}", "a list of tasks"),
        ("a.json", '[{"id": 3, "data": {"text": "x"}, "annotations": []}]', "task 3 lacks data.prediction_id"),
        ("a.xml", "", "must be .json"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidInputError, match=said):
        annotation_answers.read(tmp_path / name)
    with pytest.raises(InvalidInputError, match="no such file"):
        annotation_answers.read(tmp_path / "other" / name) if not name.endswith(".xml") else annotation_answers.read(
            tmp_path / "gone.csv"
        )
