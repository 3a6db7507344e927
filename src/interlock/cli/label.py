"""`interlock label`: tell what was true, what was decided, or what it was worth, from a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import note, show_json
from interlock.cli.progress import bar
from interlock.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from interlock.client.feedback_file import FileOutcome, Noun

_EXAMPLES = 10


def label(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, of any size.")],
    on: Annotated[
        str | None, typer.Option(metavar="KEY_COLUMN", help="Match by this column: the endpoint's label key.")
    ] = None,
    time_column: Annotated[
        str | None, typer.Option(help="When it was observed; by key, when the event happened. Without a zone: UTC.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Who says so: natural (the default), batch, human, annotator, or a name.")
    ] = None,
    decisions: Annotated[bool, typer.Option("--decisions", help="People's decisions, in a column `decision`.")] = False,
    reward: Annotated[
        str | None, typer.Option(metavar="NAME", help="Rewards of this name, in a column `value`.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="First commit what waits in the spool.")] = True,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Send labels from a file, and print how many rows matched a prediction, none, or several.

    The label is in the column label, and for whom in prediction_id, or request_id (with request_row), or with --on in a
    key of your business, which means its latest prediction before the event. Optional: observed_at, source, weight.
    By id all rows are sent, and what matches nothing yet is held; by key those that match one. Exit code 1 if the
    gateway rejected any.

    Example: [bold]interlock label flights landed.csv --on flight --time-column landed_at[/bold]
    """
    from interlock.client.feedback_file import FeedbackFile, FileOutcome  # Arrow takes a moment to import

    if decisions and reward is not None:
        raise InvalidInputError("--decisions and --reward cannot both be; a file holds one kind")
    noun: Noun = "decisions" if decisions else "rewards" if reward is not None else "labels"
    rows = FeedbackFile(file, noun, on=on, time_column=time_column, reward=reward, source=source)
    outcome = FileOutcome()
    with connect(server, home) as client, bar() as show:
        for outcome in rows.send(client, endpoint, fresh=fresh):
            show(outcome.seen, outcome.rows)
    if as_json:
        show_json(outcome)
    else:
        _tell(outcome, by_key=on is not None)
    raise typer.Exit(1 if outcome.rejected else 0)


def _tell(outcome: "FileOutcome", *, by_key: bool) -> None:
    print(f"{outcome.matched} matched, {outcome.unmatched} unmatched, {outcome.ambiguous} ambiguous")
    print(f"{outcome.accepted} accepted, {len(outcome.rejected)} rejected")
    fate = "not sent" if by_key else "held until their predictions come"
    for what, rows, remedy in (
        ("unmatched", outcome.unmatched_rows, fate),
        ("ambiguous", outcome.ambiguous_rows, "not sent" if by_key else "they count for every prediction they name"),
    ):
        if rows:
            note(f"{what} ({remedy}): rows {', '.join(str(row + 1) for row in rows[:_EXAMPLES])}")
    for each in outcome.rejected[:_EXAMPLES]:
        note(f"row {each['index'] + 1}: {each['error']}")
