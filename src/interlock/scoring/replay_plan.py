"""What a replay needs of the store, and whether its answers can be compared. Called by the service and by the job."""

from dataclasses import dataclass

import msgspec

from interlock.domain.model import ModelVersion
from interlock.domain.privacy import effective, unkept_images, withheld_sentence
from interlock.domain.replay import Replay
from interlock.store.transaction import Transaction


@dataclass(frozen=True)
class ReplayPlan:
    """What is needed of the store.

    Args:
        replay: What was asked for.
        deadline_seconds: The endpoint's.
        unlogged: Outputs that privacy rules keep out of the log.
    """

    replay: Replay
    champion: ModelVersion
    candidate: ModelVersion
    deadline_seconds: float
    unlogged: frozenset[str] = frozenset()

    @property
    def fields(self) -> set[str]:
        """What must be read of the log."""
        contracts = (self.champion.contract, self.candidate.contract)
        inputs = {f"input.{field.name}" for contract in contracts for field in contract.inputs}
        outputs = {field.name for field in self.champion.contract.outputs} - self.unlogged
        return inputs | {f"output.{name}" for name in outputs}

    @property
    def not_compared(self) -> str:
        """Why answers cannot be compared; empty if they can."""
        ours, theirs = self.champion.contract, self.candidate.contract
        if ours.task == "other":
            return "the champion's contract names no task, so nothing says which outputs to compare"
        if ours.is_classifier != theirs.is_classifier:
            return f"the champion's task is {ours.task}, the candidate's {theirs.task}"
        needed = {"label"} if ours.is_classifier else {"prediction"}
        hidden = sorted(f"output.{name}" for name in needed & self.unlogged)
        return withheld_sentence(hidden) if hidden else ""


class Task(msgspec.Struct, frozen=True):
    """What to do: URL of the store, root of the log, folder of artifacts, id of the replay, its time limit."""

    store: str
    log: str
    artifacts: str
    replay_id: str
    seconds: float


def plan_of(tx: Transaction, replay: Replay) -> ReplayPlan:
    """Gather it.

    Raises:
        NotFoundError: The endpoint or a version is not there.
    """
    endpoint = tx.endpoints.get(replay.endpoint)
    champion, candidate = tx.models.get(replay.champion), tx.models.get(replay.candidate)
    rules = effective([champion.contract, candidate.contract], endpoint.privacy)
    unlogged = frozenset(name.removeprefix("output.") for name in rules if name.startswith("output."))
    return ReplayPlan(replay, champion, candidate, endpoint.deadline_ms / 1000, unlogged)


def unreplayable(tx: Transaction, replay: Replay) -> str:
    """Why the log cannot hold what the candidate would be fed with; empty if it can."""
    plan, endpoint = plan_of(tx, replay), tx.endpoints.get(replay.endpoint)
    contracts = [plan.champion.contract, plan.candidate.contract]
    inputs = {f"input.{field.name}" for field in plan.candidate.contract.inputs}
    rules = [name for name in effective(contracts, endpoint.privacy) if name in inputs]
    unkept = [name for name in unkept_images(contracts, endpoint.image_share) if name in inputs]
    reasons = [withheld_sentence(rules)] if rules else []
    reasons += [f"the log keeps no images of {', '.join(unkept)}"] if unkept else []
    return "; ".join(reasons)
