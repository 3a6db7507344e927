"""`interlock release`: start, list, show, and the by-hand verbs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Reason, Server, connect, shares, split, time_of
from interlock.cli.output import note, show_facts, show_json, show_table
from interlock.cli.plan_file import read_plan
from interlock.cli.working import working
from interlock.client.client import Client
from interlock.client.yaml_file import read_mapping
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import split_ref

app = typer.Typer(name="release", help="A candidate's way to all traffic, or back.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The release, as `release list` shows it.")]
Endpoint = Annotated[str, typer.Argument(help="The endpoint's name.")]
Strategy = Annotated[
    str | None,
    typer.Option(help="shadow, canary, blue_green, ab_test or bandit; default: the endpoint's, else canary."),
]
Steps = Annotated[str | None, typer.Option(help="Traffic shares, rising to 1, like 0.01,0.05,0.25,1.")]
Reward = Annotated[str | None, typer.Option(metavar="NAME", help="The reward that an A/B test or a bandit is about.")]
Mde = Annotated[
    float | None,
    typer.Option(
        help="Smallest difference worth knowing in an A/B test, as a share of the champion's mean, like 0.05."
    ),
]
Plan = Annotated[Path | None, typer.Option(help="JSON or TOML file with fields of the plan.")]


# What a backtest plants where nothing is said.
_ERRORS = 0.05


@app.command()
def start(
    endpoint: Endpoint,
    candidate: Annotated[
        str,
        typer.Option(metavar="NAME:V", help="The version to release. An A/B test or a bandit takes several: a:2,a:3."),
    ],
    strategy: Strategy = None,
    steps: Steps = None,
    reward: Reward = None,
    mde: Mde = None,
    plan: Plan = None,
    test_data: Annotated[
        Path | None,
        typer.Option(help="Held-out rows: the candidate is tested on them first, and must pass (require_test)."),
    ] = None,
    test_label: Annotated[str | None, typer.Option(help="Column of those rows that holds the label.")] = None,
    replay_hours: Annotated[
        float | None,
        typer.Option("--replay", metavar="HOURS", help="First it must score so many hours of the past, and pass."),
    ] = None,
    override: Annotated[
        str | None,
        typer.Option(help="What of the contract may break callers, by name, like input.age; approvers, with --reason."),
    ] = None,
    reason: Reason = "",
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Start a release: the candidate earns traffic on evidence, or loses it.

    Example: [bold]interlock release start wine --candidate wine:2 --steps 0.01,0.05,0.25,1[/bold]
    """
    first, *others = split(candidate) or ("",)
    for named in (first, *others):
        split_ref(named)
    given = _given(plan, steps=steps, reward=reward, mde=mde)
    with connect(server, home) as client:
        given |= _test_of(client, test_data, test_label, given)
        given |= {} if replay_hours is None else {"replay": {**given.get("replay", {}), "hours": replay_hours}}
        found = client.start_release(
            endpoint, first, *others, strategy=strategy, plan=given, override=split(override), reason=reason
        )
        _print(found, as_json=as_json)
        if not as_json:
            print(client.forecast(endpoint, strategy=strategy, plan=given, candidates=1 + len(others))["sentence"])


@app.command("plan")
def forecast(
    endpoint: Endpoint,
    strategy: Strategy = None,
    steps: Steps = None,
    reward: Reward = None,
    mde: Mde = None,
    candidates: Annotated[
        int, typer.Option(min=1, help="How many versions an A/B test or a bandit compares with the champion.")
    ] = 1,
    plan: Plan = None,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="Try it on the past, with a candidate that is the champion with a fault.")
    ] = False,
    errors: Annotated[
        float | None, typer.Option(help="Backtest: share of requests on which it fails; default 0.05.")
    ] = None,
    wrong_column: Annotated[
        str | None, typer.Option(metavar="INPUT", help="Backtest: an input that gets other rows' values.")
    ] = None,
    since: At = None,
    until: At = None,
    limit: Annotated[int, typer.Option(help="Backtest: at most so many rows, the newest.", min=1)] = 100_000,
    seed: Annotated[int, typer.Option(help="Backtest: of what chance decides.")] = 0,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say how long a release would take at today's traffic, and the smallest harm that it would see.

    With --backtest: what the plan would have done to a faulty candidate. Exit code 1 where it would not be stopped.

    Example: [bold]interlock release plan wine --backtest --wrong-column alcohol --steps 0.01,0.5,1[/bold]
    """
    given = _given(plan, steps=steps, reward=reward, mde=mde)
    fault = _fault(errors, wrong_column)
    if fault and not backtest:
        raise InvalidInputError("--errors and --wrong-column say what is wrong in a --backtest, which is missing")
    first, last = time_of("since", since), time_of("until", until)
    with connect(server, home) as client:
        if backtest:
            with working(f"trying the plan on the past of {endpoint}"):
                tried = client.backtest(
                    endpoint, strategy=strategy, plan=given, since=first, until=last, limit=limit, seed=seed,
                    fault=fault or {"errors": _ERRORS},
                )  # fmt: skip
            _show_backtest(tried, as_json=as_json)
            return
        found = client.forecast(endpoint, strategy=strategy, plan=given, candidates=candidates)
    if as_json:
        show_json(found)
        return
    show_table(found["steps"], ("traffic_share", "hours", "challenger_requests", "smallest_harm"), empty="")
    print(found["sentence"])


@app.command()
def evaluate(
    endpoint: Endpoint,
    policy: Annotated[Path, typer.Option(help="YAML or JSON file: shares by version, and by segment.")],
    reward: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A logged reward, or `quality` (of labels); default: the only one."),
    ] = None,
    since: At = None,
    until: At = None,
    alpha: Annotated[float, typer.Option(help="Probability that an interval is wrong.")] = 0.05,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Estimate what another split of the traffic would have earned, from rows that chance assigned to versions.

    The policy file: `shares: {wine:1: 0.3, wine:2: 0.7}`, and `segments: [{when: {color: red}, shares: {wine:2: 1}}]`.

    Example: [bold]interlock release evaluate wine --policy policy.yaml --reward revenue[/bold]
    """
    first, last = time_of("since", since), time_of("until", until)
    with connect(server, home) as client:
        document = read_mapping(policy, "like shares: {wine:1: 0.5, wine:2: 0.5}")
        found = client.evaluate(endpoint, document, reward=reward, since=first, until=last, alpha=alpha)
    if as_json:
        show_json(found)
        return
    facts = ("reward", "rows", "units", "not_randomised", "without_reward", "unsupported", "effective_units", "trusted")
    show_facts({name: found[name] for name in facts})
    print(f"\nmean reward a row, with {1 - alpha:.0%} intervals ({found['interval']})")
    show_table(found["estimates"], ("estimator", "value", "lower", "upper"), empty="")
    print("\nas it was assigned")
    show_table(found["arms"], ("version", "rows", "reward_coverage", "mean_reward"), empty="")
    for doubt in found["doubts"]:
        note(f"do not trust this: {doubt}")


@app.command("list")
def list_releases(
    endpoint: Annotated[str | None, typer.Argument(help="Only of this endpoint.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List releases, newest first.

    Example: [bold]interlock release list wine[/bold]
    """
    with connect(server, home) as client:
        found = client.releases(endpoint)
    if as_json:
        show_json({"releases": found})
    else:
        columns = ("id", "endpoint", "state", "candidate", "champion", "step", "traffic_share")
        show_table(found, columns, empty="no releases yet; `interlock release start ENDPOINT --candidate NAME:V`")


@app.command()
def show(id: Id, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show a release: state, decision, what each gate says.

    Example: [bold]interlock release show wine-1[/bold]
    """
    with connect(server, home) as client:
        _print(client.release(id), as_json=as_json)


def _by_hand(verb: str, what: str, reason_like: str) -> None:
    example = f'Example: [bold]interlock release {verb} wine-1 --reason "{reason_like}"[/bold]'

    @app.command(verb, help=f"{what}\n\n{example}")
    def act(
        id: Id, reason: Reason = "", server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False
    ) -> None:
        with connect(server, home) as client:
            _print(getattr(client, verb)(id, reason), as_json=as_json)


_by_hand("approve", "Let a release go on that waits for it. Not for who started it.", "read the report")
_by_hand("reject", "End a release that waits for approval.", "too slow on phones")
_by_hand("pause", "Keep the traffic as it is; harm still rolls back.", "weekend")
_by_hand("resume", "Decide again.", "monday")


@app.command()
def promote(
    id: Id,
    candidate: Annotated[
        str | None, typer.Option(metavar="NAME:V", help="Which, where several remain and none has won.")
    ] = None,
    reason: Reason = "",
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Give the candidate all traffic now, whatever the gates say.

    Example: [bold]interlock release promote wine-1 --reason "checked by hand"[/bold]
    """
    with connect(server, home) as client:
        _print(client.promote(id, reason, candidate=candidate), as_json=as_json)


@app.command()
def rollback(
    endpoint: Endpoint,
    to: Annotated[str | None, typer.Option(metavar="NAME:V", help="Default: the champion before.")] = None,
    reason: Reason = "",
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Take an endpoint's traffic back, now.

    Example: [bold]interlock release rollback wine --reason "complaints"[/bold]
    """
    with connect(server, home) as client:
        found = client.rollback(endpoint, to=to, reason=reason)
    if as_json:
        show_json(found)
    else:
        print(f"{found['model']} answers at {endpoint!r}")


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    facts = ("id", "endpoint", "strategy", "state", "candidate", "champion", "step", "traffic_share")
    decision = found.get("decision") or {}
    shares = ", ".join(f"{version} {share:g}" for version, share in found["shares"].items())
    several = {"shares": shares} if len(found["candidates"]) > 1 else {}
    show_facts({**{name: found[name] for name in facts}, **several, "decision": decision.get("reason")})
    if found["gates"]:
        print()
        columns = (
            "metric",
            *(("version",) if several else ()),
            "outcome",
            "estimate",
            "lower",
            "upper",
            "margin",
            "counts",
            "reason",
        )
        show_table(found["gates"], columns, empty="")
    for gate in found["gates"]:
        if gate["details"].get("segments"):
            print(f"\n{gate['metric']} of {gate['version']} by segment ({gate['details']['segments_note']})")
            columns = ("column", "value", "champion_units", "challenger_units", "estimate", "lower", "upper")
            show_table(gate["details"]["segments"], columns, empty="")


def _given(plan: Path | None, *, steps: str | None, reward: str | None, mde: float | None) -> dict[str, Any]:
    """Fields of a plan: those of the file, and over them the options."""
    given = read_plan(plan) if plan else {}
    options = {"steps": None if steps is None else shares(steps), "reward": reward, "mde": mde}
    return {**given, **{name: value for name, value in options.items() if value is not None}}


def _test_of(client: Client, data: Path | None, label: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a plan whose candidate is tested on a file of this machine, which the server keeps from now on."""
    if data is None:
        if label is not None:
            raise InvalidInputError("--test-label names a column of --test-data, which is missing")
        return {}
    if not data.is_file():
        raise InvalidInputError(f"{data} does not exist; name a file on this machine")
    named = {"file": client.keep_held_out(data)["name"], **({} if label is None else {"label": label})}
    return {"require_test": True, "test_data": {**given.get("test_data", {}), **named}}


def _fault(errors: float | None, column: str | None) -> dict[str, Any]:
    """What is wrong with the candidate of a backtest, where something was said."""
    return {name: value for name, value in (("errors", errors), ("column", column)) if value is not None}


def _show_backtest(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        print(found["sentence"])
        for said in found["notes"]:
            note(said)
    if found["end"] != "stopped":
        sys.exit(1)
