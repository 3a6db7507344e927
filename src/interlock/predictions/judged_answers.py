"""SQL that says of a logged row what was answered, how surely, and whether it was wrong, for any table's columns.

Called by `mistakes`. A class is compared with its label as text, as number and as truth value, so that `True`, `true`
and 1 are the same. A field whose type changed between versions has several columns; in each row one of them is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import pyarrow as pa

from interlock.domain.errors import InvalidInputError
from interlock.domain.row_condition import Condition
from interlock.predictions.log_schema import field_name
from interlock.predictions.parts import HASHED
from interlock.predictions.relations import quoted

_SAME_CLASS = """lower(label) = lower(answer)
    OR coalesce(label_number = try_cast(answer AS DOUBLE), false)
    OR coalesce(label_number = try_cast(try_cast(answer AS BOOLEAN) AS DOUBLE), false)"""
_WRONG_CLASS = f"CASE WHEN label IS NULL OR answer IS NULL THEN NULL ELSE NOT ({_SAME_CLASS}) END"
_DISTANCE = "abs(label_number - predicted)"
# What conditions may ask for beside inputs.
_ASKED = ("answer", "score", "version")
_OF_LABEL = ("label", "error")


@dataclass(frozen=True, slots=True)
class Where:
    """A condition as SQL that is true or false, never null, and its parameters."""

    sql: str
    given: Mapping[str, object]


@dataclass(frozen=True)
class JudgedAnswers:
    """Expressions over the columns of a predictions table, joined with `label` and `label_number`.

    Args:
        endpoint: Whose, for messages.
        columns: Of its table.
    """

    endpoint: str
    columns: pa.Schema

    @cached_property
    def is_regressor(self) -> bool:
        """Whether answers are numbers to be near to."""
        return not self._outputs("label") and bool(self._outputs("prediction"))

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """The column of each input, by the field's name. Of a field whose type changed, the first."""
        found: dict[str, str] = {}
        for column in self.columns:
            name = field_name(column)
            if name.startswith("input.") and not column.name.endswith(HASHED):
                found.setdefault(name.removeprefix("input."), str(column.name))
        return found

    @property
    def answered(self) -> str:
        """`answer` as text, `predicted` as number, and `score`, the largest probability; null where there is none."""
        said = self._outputs("label") or self._outputs("prediction")
        lists = [f"list_max({quoted(name)})" for name in self._outputs("probabilities")]
        return ", ".join(
            (
                f"{_first([_cast(name, 'VARCHAR') for name in said], 'VARCHAR')} AS answer",
                f"{_first([_cast(name, 'DOUBLE') for name in self._outputs('prediction')], 'DOUBLE')} AS predicted",
                f"{_first(lists, 'DOUBLE')} AS score",
            )
        )

    @property
    def judged(self) -> str:
        """`is_wrong`, and `error`: what is wrong with the row as a number. Both null without a label."""
        if self.is_regressor:
            return f"{_DISTANCE} AS error, {_DISTANCE} > 0 AS is_wrong"
        return f"CASE WHEN {_WRONG_CLASS} THEN 1::DOUBLE ELSE 0 END AS error, {_WRONG_CLASS} AS is_wrong"

    def where(self, conditions: Sequence[Condition], *, key: str = "c", labelled: bool = True) -> Where:
        """Conditions that must all hold, over these expressions.

        Args:
            conditions: Without any, every row. A subject is an input's name; else `answer`, `score`, `version`, `label`
                or `error`; `input.NAME` is always the input.
            key: Begins the names of parameters.
            labelled: Whether `label` and `error` are there to be asked for.

        Raises:
            InvalidInputError: There is no such input, or a value is no number where one is needed.
        """
        parts, given = list[str](), dict[str, object]()
        for number, each in enumerate(conditions):
            sql, value = self._compared(each, f"{key}{number}", labelled=labelled)
            parts.append(sql)
            given |= value
        return Where(" AND ".join(f"coalesce({each}, false)" for each in parts) or "true", given)

    def _compared(self, condition: Condition, key: str, *, labelled: bool) -> tuple[str, dict[str, object]]:
        column = self._subject(condition.subject, labelled=labelled)
        if condition.sign in ("missing", "given"):
            return f"{column} IS {'NOT ' if condition.sign == 'given' else ''}NULL", {}
        sign = "<>" if condition.sign == "!=" else condition.sign
        number = _number(condition.value)
        if number is not None:
            return f"try_cast({column} AS DOUBLE) {sign} ${key}", {key: number}
        if condition.sign not in ("=", "!="):
            raise InvalidInputError(f"{condition}: must be compared with a number")
        return f"try_cast({column} AS VARCHAR) {sign} ${key}", {key: condition.value}

    def _subject(self, name: str, *, labelled: bool) -> str:
        inputs = {**{f"input.{each}": column for each, column in self.inputs.items()}, **self.inputs}
        if name in inputs:
            return quoted(inputs[name])
        if name in _ASKED or (name in _OF_LABEL and labelled):
            return name
        if name in _OF_LABEL:
            raise InvalidInputError(f"condition on {name!r}: rows that wait for a label have none")
        there = ", ".join([*list(self.inputs)[:40], *_ASKED, *(_OF_LABEL if labelled else ())])
        raise InvalidInputError(f"the log of {self.endpoint!r} has no input {name!r}; there is: {there}")

    def _outputs(self, output: str) -> list[str]:
        return [
            str(column.name)
            for column in self.columns
            if field_name(column) == f"output.{output}" and not column.name.endswith(HASHED)
        ]


def _cast(column: str, kind: str) -> str:
    return f"try_cast({quoted(column)} AS {kind})"


def _first(expressions: list[str], kind: str) -> str:
    return f"coalesce({', '.join([*expressions, f'NULL::{kind}'])})" if expressions else f"NULL::{kind}"


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None
