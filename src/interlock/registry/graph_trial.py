"""Whether a user's ONNX graph may run inside a gateway worker: it must be bounded in time and memory.

Called by the examining process. A graph is data, but a loop in it may run for ever, and a shape computed from values
may ask for all memory there is; in a worker that would take every other endpoint with it. So the graph is looked into,
and tried in a process of its own. One that fails either is served in such a process; one that hangs or dies at once is
refused.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from interlock.domain.contract import Contract
from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.domain.ports import Columns, rows_of, take
from interlock.registry.apart import ApartModel, ApartPredictor
from interlock.registry.edge_rows import edge_rows
from interlock.registry.reference import spread
from interlock.registry.registration import Job
from interlock.runtimes.artifact import sha256_of
from interlock.runtimes.frameworks import framework
from interlock.runtimes.memory import ROWS_AT_ONCE

_ROW_SECONDS = 5.0
_ROWS_ALONE = 20

# What a worker can spare for one call beside everything else it holds.
_MOST_BYTES = 512 * 1024 * 1024

# As large as the default limit of a request's body: rows of images come in smaller numbers.
_REQUEST_BYTES = 16 * 1024 * 1024

# A batch may cost so many times its rows alone before its cost is taken to grow faster than its rows.
_GROWTH, _SLACK_SECONDS = 8.0, 1.0

_LOOPS = ("Loop",)

# Operators to the inputs that decide how large their output is.
_SIZES = {
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "Pad": (1,),
    "Range": (0, 1, 2),
    "Resize": (2, 3),
    "Tile": (1,),
    "Upsample": (1,),
    "OneHot": (1,),
}

# A shape is known before any value is: what is computed from it is no surprise.
_FORGET_VALUES = ("Shape", "Size")


def unbounded(job: Job, graph: Path, contract: Contract, columns: Columns) -> tuple[str, ...]:
    """Why a graph may not run inside a worker, one sentence each; empty: it may.

    Args:
        job: What is registered.
        graph: The ONNX file.
        contract: What the graph takes and gives.
        columns: Rows to try; at least one.

    Raises:
        UnloadableModelError: It answers none of them in time.
    """
    found = (*_hazards(graph), *_any_length(contract))
    stored = by_digest(graph, Path(job.staging))
    with contextlib.closing(ApartModel(job, "onnx", stored)) as model:
        predictor = model.predictor(contract, answer_seconds=_ROW_SECONDS)
        return (*found, *_tried(predictor, contract, columns))


def by_digest(graph: Path, folder: Path) -> Path:
    """The graph under the name that a runner process looks for: itself, or a copy of what lies in a folder."""
    digest = sha256_of(graph)
    if graph.name == digest:
        return graph
    return Path(shutil.copyfile(graph, folder / digest))


def _any_length(contract: Contract) -> Iterator[str]:
    """No trial tells what an input of any length costs: callers choose it."""
    names = [field.name for field in contract.inputs if -1 in field.shape]
    if names:
        yield f"{', '.join(names)} may be of any length, and how long it takes is up to callers"


def _hazards(graph: Path) -> Iterator[str]:
    try:
        onnx = framework("onnx", "sklearn")
    except UnloadableModelError as error:
        yield f"the graph cannot be looked into: {error}"
        return
    model = onnx.load(str(graph), load_external_data=False)
    loops = sorted({node.op_type for node in _nodes(model.graph) if node.op_type in _LOOPS})
    if loops:
        yield f"the graph has {' and '.join(loops)} nodes, whose time depends on the values they are given"
    sized = sorted({node.op_type for node in _sized_by_values(model.graph)})
    if sized:
        yield f"the graph has {' and '.join(sized)} nodes whose size depends on the values they are given"


def _nodes(graph: Any) -> Iterator[Any]:
    """Nodes of a graph and of the graphs inside them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _sized_by_values(graph: Any) -> Iterator[Any]:
    """Nodes of the outer graph whose output's size follows from values of the request."""
    constants = {initializer.name for initializer in graph.initializer}
    from_values = {given.name for given in graph.input} - constants
    for node in graph.node:
        sizes = [node.input[at] for at in _SIZES.get(node.op_type, ()) if at < len(node.input)]
        if from_values.intersection(sizes):
            yield node
        if node.op_type not in _FORGET_VALUES and from_values.intersection(node.input):
            from_values.update(node.output)


def _tried(predictor: ApartPredictor, contract: Contract, columns: Columns) -> Iterator[str]:
    edges = edge_rows(contract, take(columns, slice(0, 1)))
    sample = spread(columns, rows_of(columns), _ROWS_ALONE)
    rows = {name: np.concatenate([values, edges[name]]) for name, values in sample.items()}
    answered, seconds = 0, 0.0
    for at in range(rows_of(rows)):
        start = time.monotonic()
        try:
            predictor.predict(take(rows, slice(at, at + 1)))
        except ModelFailedError as error:
            if predictor.pid is None:  # it hung or died, and did not just refuse the row
                if at == 0:
                    raise UnloadableModelError(f"the graph does not answer the first row: {error.reason}") from error
                yield f"tried with row {at} of {rows_of(rows)}: {error.reason}"
                return
        else:
            answered += 1
            seconds = max(seconds, time.monotonic() - start)
    if answered:
        yield from _tried_at_once(predictor, columns, seconds)


def _tried_at_once(predictor: ApartPredictor, columns: Columns, row_seconds: float) -> Iterator[str]:
    width = sum(values[:1].size for values in columns.values())
    count = max(1, min(ROWS_AT_ONCE, _REQUEST_BYTES // (4 * max(width, 1))))
    batch = take(columns, np.resize(np.arange(rows_of(columns)), count))
    before, start = _peak_bytes(predictor.pid), time.monotonic()
    try:
        predictor.predict(batch)
    except ModelFailedError as error:
        yield f"tried with {count} rows at once, it failed: {error.reason}"
        return
    seconds, grown = time.monotonic() - start, _peak_bytes(predictor.pid) - before
    if grown > _MOST_BYTES:
        yield f"{count} rows at once took {grown // 2**20} MiB, must be at most {_MOST_BYTES // 2**20}"
    if seconds > _GROWTH * count * row_seconds + _SLACK_SECONDS:
        yield f"{count} rows at once took {seconds:.3g} s, and one row {row_seconds:.3g} s: its cost grows faster"


def _peak_bytes(pid: int | None) -> int:
    """Most memory that a process has held so far; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0][1]) * 1024 if lines else 0
