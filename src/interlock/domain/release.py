"""A release: a candidate's way from the first request to all of them, or back."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from interlock.domain.application_gates import ApplicationGates

ReleaseState = Literal[
    "draft", "testing", "awaiting_approval", "running", "paused", "inconclusive",
    "promoted", "rolled_back", "rejected", "cancelled",
]  # fmt: skip
Strategy = Literal["shadow", "canary", "blue_green", "ab_test", "bandit"]
ARMED: frozenset[str] = frozenset({"ab_test", "bandit"})
TERMINAL: frozenset[str] = frozenset({"promoted", "rolled_back", "rejected", "cancelled"})

GateOutcome = Literal["ok", "breach", "not_enough_data", "not_comparable", "error"]
Verb = Literal["promote", "roll_back", "advance", "wait", "ask", "hold", "drop", "reweigh", "keep"]
WatchOutcome = Literal["watching", "kept", "rolled_back", "ended"]
Goal = Literal["maximise", "minimise"]
Policy = Literal["thompson", "ucb1", "epsilon_greedy"]


class HeldOutData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows on which a candidate is tested before anybody meets it.

    Args:
        file: Name of a held-out file that the server keeps.
        label: Its column of labels; empty for none.
        slices, protected: Columns by which quality is compared; of protected groups.
        sha256: Of the file's content, pinned when the release starts. Nobody gives it.
    """

    file: str
    label: str = ""
    slices: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    sha256: str = ""


class ReplayStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A replay of the past through a candidate before any caller meets it, and what it must show.

    Args:
        hours: Of the log before the release was started.
        limit: At most so many rows, evenly over that time; None: all.
        min_rows: Rows that the candidate must have been asked for.
        max_failed_share, max_refused_share: Of these rows: it failed, or its contract would have refused them.
        min_agreement: Share of rows on which it must say the same as the champion; None: any.
        max_quality_loss: Where labels are known, a loss surely more than this share above the champion's is not passed.
        require_quality: Whether it must surely be at most so much above; without labels it is then not passed.
    """

    hours: float = 168.0
    limit: int | None = None
    min_rows: int = 100
    max_failed_share: float = 0.01
    max_refused_share: float = 0.01
    min_agreement: float | None = None
    max_quality_loss: float = 0.0
    require_quality: bool = False

    def faults(self) -> list[str]:
        """Every rule that it breaks."""
        shares = ("max_failed_share", "max_refused_share", "min_agreement")
        is_over = {
            "hours": self.hours > 0,
            "min_rows": self.min_rows >= 1,
            "limit": self.limit is None or self.limit >= 1,
            "max_quality_loss": self.max_quality_loss >= 0,
        }
        wrong = {name: "must be a share from 0 to 1" for name in shares if not 0 <= (getattr(self, name) or 0) <= 1}
        wrong |= {name: "is too small" for name, kept in is_over.items() if not kept}
        return [f"replay.{name} == {getattr(self, name):g}, {rule}" for name, rule in wrong.items()]


class ReleasePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a candidate earns traffic. The defaults are the product's; every number is a choice stated in the docs.

    Args:
        steps: Traffic shares, rising, the last one 1. Of a canary each but the last is gated; the last is promotion. A
            shadow has no choice: first none, then all. Of an A/B test the share of all candidates together, split
            evenly, at most under 1; by default every arm has the same. A bandit has none.
        alpha: Total probability that a candidate no worse than the champion is rolled back. Split over the gates.
        min_units: Units that the challenger must have been assigned in a step before it may advance.
        min_labels: Labelled rows that both versions scored before quality may decide anything, where labels arrive.
        quality_margin: The last gated step asks that the loss is surely at most this share above the champion's.
        quality_harm: A loss surely more than this share above the champion's is harm and rolls back.
        slices: Of a canary or a shadow: inputs with categories; harm to the quality of the rows of one category rolls
            back too.
        latency_quantile: Which quantile of the latency is compared.
        latency_ratio: The challenger's may be so many times the champion's.
        latency_floor_ms: Below this, nobody waits: a challenger under it is never too slow.
        max_failure_rate: Where failures are too rare for a ratio, the last gated step asks to be surely below this.
        guard_max_failure_rate: The gateway's own bound, enforced also when nothing else is alive.
        require_labels: `auto`: quality gates the last step if labels have arrived on this endpoint; `yes`; `no`.
        label_hours: Age from which rows count for quality; None: by what labels took on this endpoint before.
        require_approval: Whether somebody else than who started the release must approve before the candidate gets
            traffic: of a shadow once the evidence speaks for it, of the others before they begin.
        require_test: Whether the candidate must pass an application test before it gets traffic.
        test: What the test must show.
        test_data: On what the controller runs the test by itself, where the version has none on this file. None: it
            waits for a test by somebody.
        replay: What the past must have shown first, where this is asked: the controller replays it.
        hold_seconds: How long a blue-green release stays at each of its shares. So long the old version stands in for
            one that fails.
        watch_hours: So long after promotion the champion before scores what its successor answers, and harm seen then
            rolls back. 0: not at all.
        step_hours: After so long a gated step that could not be decided ends as `at_deadline` says; None: never.
        at_deadline: `hold`: the traffic stays and a person decides; `roll_back`.
        reward: Name of the reward that an A/B test or a bandit is about; None: the loss that labels show (A/B test).
        goal: Whether the reward is to be large or small.
        missing_reward: What a row counts that got no reward within `reward_hours`; None: it is left out.
        reward_hours: With `missing_reward`: rows count from this age on, with the reward that had come by then.
        guard_rewards: Further rewards by name, with their goals: an arm on which one surely gets worse is withdrawn.
        mde: The smallest difference worth knowing, as a share of the champion's mean: a test that is sure of less says
            that there is none.
        covariate: Of an A/B test: a numeric input that says something of the metric; differences are adjusted for it.
        segments: Of an A/B test: inputs by whose values differences are shown too. They decide nothing.
        promote_winner: Whether the winner of an A/B test is promoted; otherwise a person is told, and decides.
        sample_ratio_alpha: Probability that a sound test is stopped because its groups look wrongly sized.
        policy: How a bandit turns rewards into shares.
        reward_kind: Of a bandit: whether rewards are 0 and 1, or any numbers.
        epsilon: Of `epsilon_greedy`: the share that goes to all arms alike.
        floor: Of a bandit: the smallest share of every arm, the champion's too.
        update_seconds: Of a bandit: the least time between two changes of shares.
    """

    steps: tuple[float, ...] = (0.01, 0.05, 0.25, 1.0)
    alpha: float = 0.05
    min_units: int = 100
    min_labels: int = 1000
    quality_margin: float = 0.02
    quality_harm: float = 0.005
    slices: tuple[str, ...] = ()
    latency_quantile: float = 0.95
    latency_ratio: float = 1.5
    latency_floor_ms: float = 10.0
    max_failure_rate: float = 0.01
    guard_max_failure_rate: float = 0.2
    require_labels: Literal["auto", "yes", "no"] = "auto"
    label_hours: float | None = None
    require_approval: bool = False
    require_test: bool = False
    test: ApplicationGates = ApplicationGates()
    test_data: HeldOutData | None = None
    replay: ReplayStep | None = None
    hold_seconds: float = 600.0
    watch_hours: float = 24.0
    step_hours: float | None = None
    at_deadline: Literal["hold", "roll_back"] = "hold"
    reward: str | None = None
    goal: Goal = "maximise"
    missing_reward: float | None = None
    reward_hours: float = 0.0
    guard_rewards: dict[str, Goal] = {}
    mde: float = 0.05
    covariate: str | None = None
    segments: tuple[str, ...] = ()
    promote_winner: bool = False
    sample_ratio_alpha: float = 0.001
    policy: Policy = "thompson"
    reward_kind: Literal["bernoulli", "gaussian"] = "gaussian"
    epsilon: float = 0.1
    floor: float = 0.05
    update_seconds: float = 60.0

    @property
    def compared_inputs(self) -> tuple[str, ...]:
        """Inputs that the comparison of arms reads."""
        return tuple(dict.fromkeys(([self.covariate] if self.covariate is not None else []) + list(self.segments)))


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate says at one look.

    `lower` and `upper` bound the quantity named by `metric` and `scale` at all times at once, at level `alpha`.
    `version` is the candidate that it is about, where there may be several.
    """

    metric: str
    outcome: GateOutcome
    scale: Literal["difference", "ratio"]
    estimate: float | None
    lower: float | None
    upper: float | None
    margin: float | None
    counts: dict[str, int]
    reason: str
    alpha: float
    non_inferior: bool = False
    details: dict[str, Any] = {}
    version: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, when, and the sentence a person reads."""

    outcome: Verb
    reason: str
    at: datetime


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """The time after a promotion in which the champion before scores every row that its successor answers.

    Args:
        until: When it is over, if no harm is seen.
        step: Of the traffic plan, and so of the rows and counts that belong to it.
        promotion: Why the candidate was promoted.
        outcome: `watching`; `kept`: no harm was seen in time; `rolled_back`; `ended`: by another release, or a person.
        decision: What was seen last, or decided.
        gates: What its gates said then.
    """

    until: datetime
    step: int
    promotion: Decision
    outcome: WatchOutcome = "watching"
    decision: Decision | None = None
    gates: tuple[Gate, ...] = ()


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The stored state of a release. Changed only by `releases/`, in one transaction with traffic plan and audit.

    `step_started_at` is None until the candidate was begun with, `approved_by` until somebody approved. `owner` is the
    person behind the key that started it.

    Args:
        overridden: What of the contract breaks callers, and an approver let through.
        others: Further candidates, of a strategy that compares several arms.
        shares: Of such a strategy: the share of each candidate now, in order.
        stages: Of an A/B test: the step at which each of the plan's shares began. `step` counts every change of shares,
            also the withdrawal of a candidate.
        withdrawn: Candidates that lost their traffic before the end, and why.
        winner: Who is to be promoted, or was.
        reweighed_at: When a bandit last changed its shares.
        watch: What came after its promotion, where the plan asks for a watch.
        tests_begun: How often its own application test was begun.
    """

    id: str
    endpoint: str
    strategy: Strategy
    state: ReleaseState
    candidate: str
    champion: str
    plan: ReleasePlan
    created_at: datetime
    created_by: str
    step: int = 0
    step_started_at: datetime | None = None
    salt: str = ""
    decision: Decision | None = None
    gates: tuple[Gate, ...] = ()
    finished_at: datetime | None = None
    approved_by: str | None = None
    owner: str = ""
    overridden: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    stages: tuple[int, ...] = ()
    withdrawn: dict[str, str] = {}
    winner: str | None = None
    reweighed_at: datetime | None = None
    watch: Watch | None = None
    tests_begun: int = 0

    @property
    def candidates(self) -> tuple[str, ...]:
        """All that are under release."""
        return (self.candidate, *self.others)

    @property
    def remaining(self) -> tuple[str, ...]:
        """Candidates that were not withdrawn."""
        return tuple(version for version in self.candidates if version not in self.withdrawn)

    @property
    def stage(self) -> int:
        """Which of the plan's shares an A/B test is at."""
        return max(0, len(self.stages) - 1)

    @property
    def promoted(self) -> str:
        """Who became champion, if anyone."""
        return self.winner or self.candidate

    @property
    def compares_arms(self) -> bool:
        """Whether its candidates are arms beside the champion, and may be several."""
        return self.strategy in ARMED

    @property
    def last_step(self) -> int:
        """The step that is followed by promotion."""
        if self.compares_arms:
            return self.step
        return len(self.plan.steps) - (1 if self.strategy == "blue_green" else 2)

    @property
    def is_watched(self) -> bool:
        """Whether its candidate was promoted, and may still be taken back by what is seen now."""
        return self.state == "promoted" and self.watch is not None and self.watch.outcome == "watching"

    @property
    def has_begun(self) -> bool:
        """Whether evidence is gathered: callers, or a shadow's rows."""
        return self.step_started_at is not None

    def is_of(self, key: str, owner: str) -> bool:
        """Whether this key started it, or another one of the same person's."""
        return key == self.created_by or (bool(owner) and owner == self.owner)

    @property
    def lacks_approval(self) -> bool:
        return self.plan.require_approval and self.approved_by is None

    @property
    def traffic_share(self) -> float:
        """The share of all candidates that the stored state asks for."""
        if self.state == "promoted":
            return 1.0
        if not self.has_begun or self.state in TERMINAL:
            return 0.0
        return sum(self.shares) if self.compares_arms else self.plan.steps[self.step]
