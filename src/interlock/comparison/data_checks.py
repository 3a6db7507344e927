"""Whether rows are fit to be trained or measured on: schema, missing, constant, ranges, duplicates, leakage, labels.

Called by `interlock check-data`; no server is needed. A file of any size is read, and only its labels are held where
people's agreement or likely errors are asked for. It judges shapes and values, not whether they drifted: that is for
`drift`. What it cannot judge is `no_data`, and never called fine.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from interlock.comparison import label_checks
from interlock.comparison.check_result import DataCheck, DataChecks
from interlock.comparison.row_queries import CURRENT, REFERENCE, RowQueries, is_number
from interlock.comparison.rows import Rows, open_rows
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError

TOLERANCE = 0.01
"""Share of rows that may be duplicates, shared, out of range, of a new category or wrongly labelled."""

MOST_MISSING = 0.5
"""Without a reference: a column of which more is missing is hardly one."""

# What more may be missing than in the reference.
_MORE_MISSING = 0.05

# More values than a category has.
_MOST_CATEGORIES = 200

Kind = Literal["number", "text", "flag", "time", "other"]


def check(
    current: Any,
    reference: Any = None,
    *,
    contract: Contract | None = None,
    labels: Sequence[str] = (),
    columns: Sequence[str] = (),
    probabilities: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
) -> DataChecks:
    """Check a file.

    Args:
        current: The file, or whatever else `drift` takes.
        reference: What it should look like, and must not share rows with: the training data of a test set.
        contract: What its columns must be, by the name of an input.
        labels: Its columns of labels; of several, agreement is measured, and the first one counts elsewhere.
        columns: Only these. Default: all that can be looked at.
        probabilities: By class, the column with its probability: looks for likely label errors (extra `cleanlab`).
        tolerance: Share of rows that may be wrong in each check, 0 to 1.

    Raises:
        InvalidInputError: A file cannot be read, a named column is not there, or an option is wrong.

    Examples:
        >>> rows = {"x": [1.0, 2.0, 3.0, 4.0], "always": [7, 7, 7, 7]}
        >>> found = check(rows)
        >>> found.passed, [(each.name, each.column) for each in found.checks if each.outcome == "breach"]
        (False, [('constant', 'always')])
    """
    if not 0 <= tolerance < 1:
        raise InvalidInputError(f"tolerance == {tolerance}, must be at least 0 and less than 1")
    with open_rows(current, "file") as rows:
        if reference is None:
            return _check(rows, None, contract, labels, columns, probabilities or {}, tolerance)
        with open_rows(reference, "reference") as before:
            return _check(rows, before, contract, labels, columns, probabilities or {}, tolerance)


def _check(
    rows: Rows,
    before: Rows | None,
    contract: Contract | None,
    labels: Sequence[str],
    columns: Sequence[str],
    probabilities: Mapping[str, str],
    tolerance: float,
) -> DataChecks:
    _check_names(rows, [*columns, *labels, *probabilities.values()])
    skipped = {name: "nested" for name, kind in rows.types.items() if pa.types.is_nested(kind)}
    looked_at = [name for name in columns or rows.types if name not in skipped]
    inputs = [name for name in looked_at if name not in {*labels, *probabilities.values()}]
    with RowQueries(rows, before) as queries:
        summaries = queries.summaries(CURRENT, [*looked_at, *(name for name in labels if name not in looked_at)])
        found = [
            *_schema(rows, before, contract, {*labels, *probabilities.values()}),
            *_missing(rows, before, queries, inputs, summaries),
            *_constant(inputs, summaries),
            *_ranges(rows, before, queries, contract, inputs, tolerance),
            *_categories(rows, before, queries, contract, inputs, tolerance),
            *_repeated(rows, before, queries, inputs, tolerance),
            *_labels(rows, queries, labels, inputs, summaries),
        ]
    if probabilities:
        if not labels:
            raise InvalidInputError("probabilities need a label; name its column")
        found.append(label_checks.errors(rows, labels[0], probabilities, tolerance))
    return DataChecks(rows.rows, len(looked_at), tuple(found), skipped)


def _check_names(rows: Rows, names: Sequence[str]) -> None:
    faults = [f"the file has no column {name!r}" for name in dict.fromkeys(names) if name not in rows.types]
    if faults:
        raise InvalidInputError(*faults, f"it has: {', '.join(list(rows.types)[:60])}")


def _schema(rows: Rows, before: Rows | None, contract: Contract | None, more: set[str]) -> Iterator[DataCheck]:
    """Whether the columns are those of the reference, or of the contract."""
    if before is not None:
        expected = {name: kind_of(kind) for name, kind in before.types.items()}
        yield _compared("the reference", rows, expected, set(), more)
    if contract is not None:
        fields = {field.name: _kind_of_field(field) for field in contract.inputs}
        optional = {field.name for field in contract.inputs if field.is_parameter}
        yield _compared("the contract", rows, fields, optional, more)


def _compared(what: str, rows: Rows, expected: Mapping[str, Kind], optional: set[str], more: set[str]) -> DataCheck:
    lacking = [name for name in expected if name not in rows.types and name not in optional | more]
    extra = [name for name in rows.types if name not in expected and name not in more]
    other = [
        f"{name} ({kind_of(rows.types[name])}, not {kind})"
        for name, kind in expected.items()
        if name in rows.types and "other" not in (kind, kind_of(rows.types[name])) and kind_of(rows.types[name]) != kind
    ]
    faults = [
        f"{word} {', '.join(names[:10])}{' ...' if len(names) > 10 else ''}"
        for word, names in (("lacks", lacking), ("has besides", extra), ("has as something else", other))
        if names
    ]
    # Further columns are ignored by a contract; between two files they are a difference.
    is_wrong = bool(lacking or other or (extra and what == "the reference"))
    count = float(len(lacking) + len(other) + len(extra))
    return DataCheck("schema", "breach" if is_wrong else "ok", count, f"the columns of {what}", "; ".join(faults))


def _missing(
    rows: Rows, before: Rows | None, queries: RowQueries, columns: Sequence[str], summaries: Mapping[str, Any]
) -> Iterator[DataCheck]:
    common = [name for name in columns if before is not None and name in before.types and not _is_nested(before, name)]
    was = queries.summaries(REFERENCE, common)
    for name in columns:
        share = 1 - summaries[name]["present"] / rows.rows
        most = MOST_MISSING
        if before is not None and name in was:
            most = min(1.0, 1 - was[name]["present"] / before.rows + _MORE_MISSING)
        reason = f"{share:.1%} of {name} is missing" if share > most else ""
        yield DataCheck("missing", "breach" if reason else "ok", share, f"at most {most:.1%}", reason, name)


def _constant(columns: Sequence[str], summaries: Mapping[str, Any]) -> Iterator[DataCheck]:
    for name in columns:
        summary = summaries[name]
        if not summary["present"]:
            yield DataCheck("constant", "no_data", None, "values that differ", f"{name} has no values", name)
            continue
        reason = f"every value of {name} is {str(summary['least'])[:60]}" if summary["constant"] else ""
        yield DataCheck("constant", "breach" if reason else "ok", None, "values that differ", reason, name)


def _ranges(
    rows: Rows,
    before: Rows | None,
    queries: RowQueries,
    contract: Contract | None,
    columns: Sequence[str],
    tolerance: float,
) -> Iterator[DataCheck]:
    """Numbers outside what the contract says, or else what the reference has. What is declared is a rule."""
    numbers = [name for name in columns if is_number(rows.types[name])]
    known = [name for name in numbers if before is not None and name in before.types and is_number(before.types[name])]
    of_reference = queries.summaries(REFERENCE, known)
    ranges = {name: (was["least"], was["greatest"]) for name, was in of_reference.items() if was["present"]}
    fields = {name: field for name in numbers if contract is not None and (field := contract.input(name)) is not None}
    bounded = {name: field for name, field in fields.items() if (field.minimum, field.maximum) != (None, None)}
    ranges |= {name: (field.minimum, field.maximum) for name, field in bounded.items()}
    for name, outside in queries.outside(ranges).items():
        most = 0.0 if name in bounded and bounded[name].declared else tolerance
        share, (low, high) = outside / rows.rows, ranges[name]
        reason = f"{outside:,} rows have {name} outside {_spelt(low)} to {_spelt(high)}" if share > most else ""
        yield DataCheck("range", "breach" if reason else "ok", share, f"at most {most:.1%} outside", reason, name)


def _categories(
    rows: Rows,
    before: Rows | None,
    queries: RowQueries,
    contract: Contract | None,
    columns: Sequence[str],
    tolerance: float,
) -> Iterator[DataCheck]:
    """Values of text columns with few values that nobody has seen before."""
    for name in columns:
        if kind_of(rows.types[name]) != "text":
            continue
        field = contract.input(name) if contract is not None else None
        known = list(field.categories) if field is not None and field.categories is not None else None
        if known is None and before is not None and name in before.types and kind_of(before.types[name]) == "text":
            known = queries.values(REFERENCE, name, _MOST_CATEGORIES)
        if not known:
            continue
        most = 0.0 if field is not None and field.categories is not None and field.declared else tolerance
        unlike, some = queries.unlike(name, known)
        share = unlike / rows.rows
        reason = f"{unlike:,} rows have a {name} never seen: {', '.join(some)[:120]}" if share > most else ""
        yield DataCheck("categories", "breach" if reason else "ok", share, f"at most {most:.1%} new", reason, name)


def _repeated(
    rows: Rows, before: Rows | None, queries: RowQueries, columns: Sequence[str], tolerance: float
) -> Iterator[DataCheck]:
    if not columns:
        return
    again = queries.duplicates(columns)
    reason = f"{again:,} rows are the same as an earlier one" if again / rows.rows > tolerance else ""
    most = f"at most {tolerance:.1%}"
    yield DataCheck("duplicates", "breach" if reason else "ok", again / rows.rows, most, reason)
    common = [name for name in columns if before is not None and name in before.types and not _is_nested(before, name)]
    alike = [name for name in common if before is not None and kind_of(before.types[name]) == kind_of(rows.types[name])]
    if before is None:
        return
    if not alike:
        yield DataCheck("shared_rows", "no_data", None, most, "the files have no column in common")
        return
    shared = queries.shared(alike)
    reason = (
        f"{shared:,} rows are in the reference too: what is measured on them was learnt"
        if shared / rows.rows > tolerance
        else ""
    )
    yield DataCheck("shared_rows", "breach" if reason else "ok", shared / rows.rows, most, reason)


def _labels(
    rows: Rows, queries: RowQueries, labels: Sequence[str], inputs: Sequence[str], summaries: Mapping[str, Any]
) -> Iterator[DataCheck]:
    if len(labels) > 1:
        yield label_checks.agreement(rows, labels)
    elif labels:
        yield label_checks.missing(rows, labels[0], summaries[labels[0]]["present"])
    if labels:
        yield from label_checks.leakage(queries, inputs, labels[0])


def _is_nested(rows: Rows, name: str) -> bool:
    return bool(pa.types.is_nested(rows.types[name]))


def kind_of(kind: pa.DataType) -> Kind:
    """What a column's type is for people: widths do not matter, nor how text is encoded."""
    if pa.types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if is_number(kind):
        return "number"
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_temporal(kind):
        return "time"
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return "text" if is_text else "other"


def _kind_of_field(field: Field) -> Kind:
    if field.shape or field.image is not None:
        return "other"
    if field.time is not None:
        return "other"  # files have times as text or as numbers too
    if field.is_numeric:
        return "number"
    return "flag" if field.datatype == "BOOL" else "text"


def _spelt(value: Any) -> str:
    return "any" if value is None else f"{float(value):.6g}"
