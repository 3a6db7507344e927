"""`interlock estimate`: how good is the model likely to be on rows without labels?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.options import AsJson
from interlock.cli.output import console, show_json, show_table
from interlock.cli.working import working

if TYPE_CHECKING:
    from interlock.comparison.estimate_result import EstimateResult


def estimate(
    reference: Annotated[Path, typer.Argument(help="Rows with labels: Parquet, CSV, or a folder.")],
    current: Annotated[Path, typer.Argument(help="Rows without them, or with some.")],
    label: Annotated[str, typer.Option(help="The reference's column of labels.")],
    score: Annotated[str, typer.Option(help="Column of scores of the positive class.")],
    prediction: Annotated[
        str | None, typer.Option(help="Column of the model's decisions. Default: score at least 0.5.")
    ] = None,
    metric: Annotated[str, typer.Option(help="roc_auc, accuracy, f1, precision, recall or specificity.")] = "roc_auc",
    chunk_rows: Annotated[int | None, typer.Option(help="Rows of a chunk. Default: a tenth of each file.")] = None,
    chunk_by: Annotated[str | None, typer.Option(metavar="COLUMN", help="A column that names the chunks.")] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the quality of a binary classifier before its labels come (CBPE), chunk by chunk, from two files.

    An estimate is trusted while the rows are like the reference's, and labels that arrived do not contradict it.

    Example: [bold]interlock estimate held_out.parquet july.parquet --label paid --score p --chunk-by day[/bold]
    """
    from interlock.comparison.estimate import estimate as compute  # Arrow and scipy take a moment to import

    with working("estimating"):
        result = compute(
            reference,
            current,
            label=label,
            score=score,
            prediction=prediction,
            metric=metric,
            chunk_rows=chunk_rows,
            chunk_by=chunk_by,
        )
    if as_json:
        show_json(result.to_dict())
    else:
        _tell(result)


def _tell(result: "EstimateResult") -> None:
    low, high = result.threshold["lower"], result.threshold["upper"]
    usual = f"as in the reference between {low:.4g} and {high:.4g}" if low is not None and high is not None else ""
    console().print(f"{result.metric}, {usual}:" if usual else f"{result.metric}:", style="bold")
    rows = [
        {
            "chunk": chunk.key,
            "rows": chunk.rows,
            "estimate": chunk.estimate,
            "interval": None if chunk.lower is None else f"{chunk.lower:.4g} to {chunk.upper:.4g}",
            "realized": chunk.realized,
            "trusted": "yes" if chunk.trusted else "no",
            "alert": "breach" if chunk.alert else "",
            "why": chunk.reason,
        }
        for chunk in result.chunks
    ]
    show_table(rows, ("chunk", "rows", "estimate", "interval", "realized", "trusted", "alert", "why"), empty="no rows")
