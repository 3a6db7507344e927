"""What is asked of a backtest, and what it says."""

from datetime import datetime
from typing import Literal

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.domain.release import Gate, ReleasePlan, Strategy
from interlock.releases.wording import count, percent

End = Literal["stopped", "promoted", "undecided"]

STRATEGIES: tuple[Strategy, ...] = ("canary", "shadow")
"""Those whose gates look at rows that one candidate and the champion both meet."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the candidate, which is else the champion itself.

    Args:
        errors: Share of requests on which it fails, beside those that the champion fails too.
        column: An input that is wrongly fed: every row gets another row's value.
    """

    errors: float = 0.0
    column: str = ""

    @property
    def spelled(self) -> str:
        parts = [f"failing {percent(self.errors)} of requests"] if self.errors else []
        parts += [f"fed with other rows' {self.column}"] if self.column else []
        return " and ".join(parts) or "without a fault"


class BacktestTask(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked.

    Args:
        endpoint: Whose past.
        strategy, plan: Of the release.
        fault: Of its candidate; none at all shows what the plan does to an equal version.
        since, until: Range of `event_at`, the end excluded.
        limit: At most so many rows, the newest.
        seed: Of the failures and of the wrong values.
    """

    endpoint: str
    strategy: Strategy
    plan: ReleasePlan
    fault: Fault
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100_000
    seed: int = 0

    def check(self) -> None:
        """Raises InvalidInputError for a task that cannot be done."""
        faults = []
        if self.strategy not in STRATEGIES:
            faults.append(f"strategy == {self.strategy!r}, a backtest is of {' or '.join(STRATEGIES)}")
        if not 0 <= self.fault.errors < 1:
            faults.append(f"errors == {self.fault.errors:g}, must be a share from 0 to under 1")
        if self.limit < 1:
            faults.append(f"limit == {self.limit}, must be at least 1")
        if self.since is not None and self.until is not None and self.since >= self.until:
            faults.append(f"since == {self.since.isoformat()}, must be before until == {self.until.isoformat()}")
        if faults:
            raise InvalidInputError(*faults)


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """What would have happened.

    Args:
        champion: Who answered then, and is the candidate too, but for the fault.
        fault: In words.
        end: `stopped`: rolled back; `undecided`: the history, or the plan's deadline, ended first.
        reason: The decision's own sentence, or what was lacking.
        sentence: All of it for people.
        requests: Of all callers until then. `candidate_requests`: those that the candidate was given.
        harmed: Units (requests where no key was sent) that it was given and failed, or answered otherwise.
        hours: From the first request until then.
        step, traffic_share: Where the release was.
        rows, labelled: Of the history.
        gates: What they said last.
        notes: What to know when reading this.
    """

    endpoint: str
    strategy: Strategy
    champion: str
    fault: str
    end: End
    reason: str
    requests: int
    candidate_requests: int
    harmed: int
    hours: float
    step: int
    traffic_share: float
    rows: int
    labelled: int
    gates: tuple[Gate, ...]
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        met = f"{count(self.requests)} requests, {count(self.harmed)} users harmed"
        ends = {
            "stopped": f"would have been stopped after {met}: {self.reason}",
            "promoted": f"would NOT have been stopped: promoted after {met}: {self.reason}",
            "undecided": f"would not have been decided in {met}: {self.reason}",
        }
        return f"{self.champion} {self.fault} {ends[self.end]}"
