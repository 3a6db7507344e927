"""Drawn rows as files for annotators: Label Studio tasks, or CSV.

Called by `interlock annotate export`. What the model answered is left out unless it is asked for: who sees it tends to
agree with it.
"""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

import msgspec

from interlock.domain.errors import InvalidInputError

Format = Literal["label-studio", "csv"]
FORMATS: tuple[Format, ...] = ("label-studio", "csv")

LABEL = "label"
ANNOTATOR = "annotator"


def write(path: Path, drawn: Mapping[str, Any], form: Format, *, show_predicted: bool = False) -> None:
    """Write tasks to a file.

    Args:
        path: Is replaced.
        drawn: As `export_annotations` gives it.
        form: Of the file.
        show_predicted: Tell annotators what the model answered.

    Raises:
        InvalidInputError: It cannot be written.
    """
    try:
        path.write_bytes(encoded(drawn, form, show_predicted=show_predicted))
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from error


def encoded(drawn: Mapping[str, Any], form: Format, *, show_predicted: bool = False) -> bytes:
    """The same as the content of a file."""
    if form == "csv":
        return _csv(drawn, show_predicted=show_predicted).encode()
    tasks = [_task(each, drawn["question"], show_predicted=show_predicted) for each in drawn["tasks"]]
    return msgspec.json.format(msgspec.json.encode(tasks))


def labelling_config(question: Mapping[str, Any]) -> str:
    """What a Label Studio project needs to show the tasks, as its XML.

    Examples:
        >>> print(labelling_config({"task": "binary", "classes": ["late", "on time"], "images": []}))
        <View>
          <Table name="case" value="$case"/>
          <Choices name="label" toName="case" choice="single" required="true">
            <Choice value="late"/>
            <Choice value="on time"/>
          </Choices>
        </View>
    """
    pictures = [f"  <Image name={quoteattr(name)} value={quoteattr(f'${name}')}/>" for name in question["images"]]
    asked = ['  <Number name="label" toName="case" required="true"/>']
    if question["task"] != "regression":
        choices = [f"    <Choice value={quoteattr(_spelt(each))}/>" for each in question["classes"]]
        opening = '  <Choices name="label" toName="case" choice="single" required="true">'
        asked = [opening, *choices, "  </Choices>"]
        if not choices:
            asked = ['  <TextArea name="label" toName="case" required="true"/>']
    return "\n".join(["<View>", '  <Table name="case" value="$case"/>', *pictures, *asked, "</View>"])


def _task(task: Mapping[str, Any], question: Mapping[str, Any], *, show_predicted: bool) -> dict[str, Any]:
    pictures = {name: task["inputs"].get(name) for name in question["images"]}
    case = {name: value for name, value in task["inputs"].items() if name not in pictures}
    shown = {"predicted": task["predicted"]} if show_predicted else {}
    return {
        "data": {
            "prediction_id": task["prediction_id"],
            "case": {**case, **shown, "event_at": task["event_at"]},
            **pictures,
        },
        "meta": {"weight": task["weight"], "chance": task["chance"], "reason": task["reason"]},
    }


def _csv(drawn: Mapping[str, Any], *, show_predicted: bool) -> str:
    names = list(drawn["tasks"][0]["inputs"]) if drawn["tasks"] else []
    shown = ["predicted"] if show_predicted else []
    text = StringIO()
    out = csv.writer(text)
    out.writerow(["prediction_id", *names, "event_at", *shown, "reason", "weight", LABEL, ANNOTATOR])
    for task in drawn["tasks"]:
        inputs = [_spelt(task["inputs"][name]) for name in names]
        predicted = [_spelt(task["predicted"])] if show_predicted else []
        facts = [task["reason"], repr(task["weight"])]
        out.writerow([task["prediction_id"], *inputs, task["event_at"], *predicted, *facts, "", ""])
    return text.getvalue()


def _spelt(value: Any) -> str:
    """A value as the log spells it in text: `true`, not `True`."""
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()
