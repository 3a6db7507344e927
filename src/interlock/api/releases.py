"""Releases: start one, watch it, and the by-hand verbs. What they mean is in `releases/`."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, check_endpoint, needs
from interlock.api.logged import commit_what_waits
from interlock.api.monitoring import aware
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.backtest.report import BacktestTask, Fault
from interlock.domain.policy import read_policy
from interlock.releases.evaluation import Question
from interlock.releases.forecast import sentence

router = APIRouter(prefix="/releases", tags=["releases"], route_class=GuardedRoute)


class Wanted(BaseModel, extra="forbid"):
    """A release by a strategy. `plan` overrides fields of the default plan: the endpoint's, else the strategy's."""

    endpoint: str
    strategy: str | None = Field(
        None, description="shadow, canary, blue_green, ab_test or bandit; default: the endpoint's, else canary"
    )
    plan: dict[str, Any] = {}


class Foreseen(Wanted):
    """What shall be foreseen: a release of so many candidates."""

    candidates: int = Field(1, ge=1, le=100, description="how many, of an A/B test or a bandit")


class NewRelease(Wanted):
    """A candidate for an endpoint; for an A/B test or a bandit it may be several."""

    candidate: str
    others: list[str] = Field([], description="further candidates, of an A/B test or a bandit")
    override: list[str] = Field([], description="what of the contract may break callers, by name; approvers only")
    reason: str = Field("", description="why; must be given with an override")


class Policy(BaseModel, extra="forbid"):
    """What shall be evaluated: shares by version, and where wanted by segment; on which rows and rewards."""

    endpoint: str
    policy: dict[str, Any] = Field(description='{"shares": {"wine:1": 0.5, "wine:2": 0.5}, "segments": [...]}')
    reward: str | None = Field(None, description="a logged reward's name, or `quality`; default: the only one there is")
    since: datetime | None = Field(None, description="start of the range of event_at")
    until: datetime | None = Field(None, description="its end, which is excluded")
    alpha: float = Field(0.05, description="probability that an interval is wrong")
    fresh: bool = True


class Backtested(Wanted):
    """A plan, the past that it is tried on, and the fault of the candidate, which is else today's champion."""

    errors: float = Field(0.0, description="share of requests on which it fails")
    column: str = Field("", description="an input that gets other rows' values")
    since: datetime | None = Field(None, description="start of the range of event_at")
    until: datetime | None = Field(None, description="its end, which is excluded")
    limit: int = Field(100_000, description="at most so many rows, the newest", ge=1, le=2_000_000)
    seed: int = 0


class Reason(BaseModel, extra="forbid"):
    """Why, for the audit log."""

    reason: str = ""


class Promotion(Reason):
    """Which candidate, of several."""

    candidate: str | None = None


@router.get("", **needs("read", limited_keys=True))
def list_releases(actor: Actor, services: Given, endpoint: str | None = None) -> dict[str, Any]:
    """Every release, newest first, of all endpoints or of one."""
    found = [each for each in services.releases.list(endpoint) if actor.may("read", each["endpoint"])]
    return {"releases": finite(plain(found[::-1]))}


@router.post("", status_code=201, **needs("operate", limited_keys=True))
def start(new: NewRelease, actor: Actor, services: Given) -> dict[str, Any]:
    """Begin to send traffic to a candidate."""
    check_endpoint(actor, "operate", new.endpoint)
    strategy, plan = services.releases.wanted(new.endpoint, new.strategy, new.plan)
    release = services.releases.start(
        new.endpoint,
        new.candidate,
        *new.others,
        strategy=strategy,
        plan=plan,
        override=new.override,
        actor=actor,
        reason=new.reason,
    )
    return _show(services, release.id)


@router.post("/forecast", **needs("read", limited_keys=True))
def forecast(wanted: Foreseen, actor: Actor, services: Given) -> dict[str, Any]:
    """How long a release would take at the endpoint's traffic, and the smallest harm that it would see."""
    check_endpoint(actor, "read", wanted.endpoint)
    strategy, plan = services.releases.wanted(wanted.endpoint, wanted.strategy, wanted.plan)
    with services.store.read() as tx:
        counted = tx.spools.totals().get(wanted.endpoint)
    rows = counted.predictions if counted else 0
    labelled = services.reader.label_stats(wanted.endpoint).labelled / rows if rows else 0.0
    found = services.releases.forecast(
        wanted.endpoint,
        strategy,
        plan,
        labelled=min(1.0, labelled),
        reader=services.reader,
        candidates=wanted.candidates,
    )
    return {**finite(plain(found)), "sentence": sentence(found)}


@router.post("/backtest", **needs("read", limited_keys=True))
def backtest(asked: Backtested, actor: Actor, services: Given) -> dict[str, Any]:
    """What a plan would have done to a candidate with this fault, on the endpoint's own past. Takes up to minutes."""
    check_endpoint(actor, "read", asked.endpoint)
    strategy, plan = services.releases.wanted(asked.endpoint, asked.strategy, asked.plan)
    services.releases.check(asked.endpoint, strategy, asked.plan)
    task = BacktestTask(
        endpoint=asked.endpoint,
        strategy=strategy,
        plan=plan,
        fault=Fault(errors=asked.errors, column=asked.column),
        since=aware("since", asked.since),
        until=aware("until", asked.until),
        limit=asked.limit,
        seed=asked.seed,
    )
    commit_what_waits(services.settings)
    found = services.backtests.run(task)
    return {**finite(plain(found)), "sentence": found.sentence}


@router.post("/evaluation", **needs("read", limited_keys=True))
def evaluate(asked: Policy, actor: Actor, services: Given) -> dict[str, Any]:
    """What another split of the traffic would have earned, estimated from rows that chance assigned."""
    check_endpoint(actor, "read", asked.endpoint)
    question = Question(
        endpoint=asked.endpoint,
        policy=read_policy(asked.policy),
        since=aware("since", asked.since),
        until=aware("until", asked.until),
        reward=asked.reward,
        alpha=asked.alpha,
    )
    if asked.fresh:
        commit_what_waits(services.settings)
    return dict(finite(plain(services.evaluations.evaluate(question))))


@router.get("/{id}", **needs("read", limited_keys=True))
def show(id: str, actor: Actor, services: Given) -> dict[str, Any]:
    """State, decision and gates."""
    with services.store.read() as tx:
        check_endpoint(actor, "read", tx.releases.get(id).endpoint)
    return _show(services, id)


@router.post("/{id}/approve", **needs("approve", limited_keys=True))
def approve(id: str, asked: Reason, actor: Actor, services: Given) -> dict[str, Any]:
    """Let a release go on that waits for approval. Not for who started it."""
    check_endpoint(actor, "approve", services.releases.get(id).endpoint)
    services.releases.approve(id, actor=actor, reason=asked.reason)
    return _show(services, id)


@router.post("/{id}/reject", **needs("approve", limited_keys=True))
def reject(id: str, asked: Reason, actor: Actor, services: Given) -> dict[str, Any]:
    """End a release that waits for approval."""
    check_endpoint(actor, "approve", services.releases.get(id).endpoint)
    services.releases.reject(id, actor=actor, reason=asked.reason)
    return _show(services, id)


@router.post("/{id}/promote", **needs("operate", limited_keys=True))
def promote(id: str, asked: Promotion, actor: Actor, services: Given) -> dict[str, Any]:
    """Give a candidate all traffic now. Which, must be said where several remain and none has won."""
    check_endpoint(actor, "operate", services.releases.get(id).endpoint)
    services.releases.promote(id, candidate=asked.candidate, actor=actor, reason=asked.reason)
    return _show(services, id)


@router.post("/{id}/{verb}", **needs("operate", limited_keys=True))
def act(id: str, verb: Literal["pause", "resume"], asked: Reason, actor: Actor, services: Given) -> dict[str, Any]:
    """By hand: pause or resume."""
    with services.store.read() as tx:
        check_endpoint(actor, "operate", tx.releases.get(id).endpoint)
    getattr(services.releases, verb)(id, actor=actor, reason=asked.reason)
    return _show(services, id)


def _show(services: Given, id: str) -> dict[str, Any]:
    return dict(finite(plain(services.releases.show(id))))
