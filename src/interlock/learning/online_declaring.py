"""What may be declared of online learning on this server, and writing it down. In the caller's transaction."""

from interlock.domain.access import Act
from interlock.domain.contract_diff import diff
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.learner import Cursor, Learner
from interlock.domain.model import ModelVersion
from interlock.domain.online import OnlineLearning
from interlock.domain.privacy import effective, withheld_sentence
from interlock.learning import truth
from interlock.store.transaction import Transaction

FORMATS = ("river", "python")
"""Formats of models that can learn row by row and be saved."""


def put(tx: Transaction, endpoint: str, declared: OnlineLearning | None, act: Act, newest: Cursor) -> Learner | None:
    """Put a declaration in the place of the one before, or take it away.

    A learner goes on where only bounds or publishing change; else a new one begins.

    Args:
        tx: The transaction.
        endpoint: Whose.
        declared: None takes it away: the learner stops, and is kept as it is.
        act: Who does it, and when.
        newest: How far the labels in the log go.

    Raises:
        NotFoundError: No such endpoint, or no such version.
        InvalidInputError: The version cannot learn from this log.
        ConflictError: It would serve, and is not what serves.
    """
    before = tx.online_learnings.get(endpoint)
    learner = tx.learners.find(endpoint)
    if declared is not None:
        tx.endpoints.get(endpoint)
        if learner is None or before is None or (before.model, before.begin) != (declared.model, declared.begin):
            learner = begin(tx, endpoint, declared, act, newest)
        check(tx, endpoint, declared, learner)
    tx.online_learnings.set(endpoint, declared)
    details = _details(declared, learner)
    action = "online_learning.declare" if declared else "online_learning.withdraw"
    tx.audit.append(act.at, act.actor.name, act.actor.role, action, endpoint, details)
    return learner


def begin(tx: Transaction, endpoint: str, declared: OnlineLearning, act: Act, newest: Cursor) -> Learner:
    """Put a new learner in the place of the one before."""
    last = tx.learners.find(endpoint)
    number = last.number + 1 if last is not None else 1
    ref = tx.models.get(declared.model or tx.plans.current(endpoint).champion).ref
    learner = Learner(
        id=f"{endpoint}-learner-{number}",
        endpoint=endpoint,
        number=number,
        base=ref,
        good=ref,
        started_at=act.at,
        cursor=newest if declared.begin == "now" else Cursor(),
        sentence="has learnt nothing yet",
    )
    tx.learners.begin(learner)
    return learner


def check(tx: Transaction, endpoint: str, declared: OnlineLearning, learner: Learner) -> None:
    """Pass if the learner can learn from the endpoint's log, and may serve if it is to.

    Raises:
        InvalidInputError, ConflictError: As of `put`.
    """
    version, champion = tx.models.get(learner.good), tx.plans.current(endpoint).champion
    check_version(version)
    if declared.serve and champion != learner.good:
        raise ConflictError(
            f"serve: {champion} is the champion of {endpoint!r}, and the learner has {learner.good}; release that "
            "first, or leave serve out for a shadow learner"
        )
    _check_log(tx, endpoint, version)
    truth.label_type(version.contract)
    breaking = [
        each.what for each in diff(tx.models.get(champion).contract, version.contract) if each.kind == "breaking"
    ]
    if breaking:
        raise InvalidInputError(f"{version.ref} would break callers of {champion}: {'; '.join(breaking)}")


def check_version(version: ModelVersion) -> None:
    """Pass if a version can learn row by row.

    Raises:
        InvalidInputError: Its format cannot.
    """
    if version.model_format not in FORMATS:
        raise InvalidInputError(
            f"{version.ref} is of format {version.model_format}, which cannot learn row by row; online learning takes "
            "models of River, and Python classes with learn(x, y) and save(path)"
        )


def _check_log(tx: Transaction, endpoint: str, version: ModelVersion) -> None:
    rules = effective([version.contract], tx.endpoints.get(endpoint).privacy)
    withheld = [name for name in rules if name.startswith("input.")]
    if withheld:
        raise InvalidInputError(f"{withheld_sentence(withheld)}, so nothing can be learnt from it")
    images = [field.name for field in version.contract.inputs if field.image is not None]
    if images:
        raise InvalidInputError(f"input {images[0]!r} is an image; online learning reads columns of the log only")


def _details(declared: OnlineLearning | None, learner: Learner | None) -> dict[str, object]:
    found: dict[str, object] = {"learner": learner.id if learner is not None else None}
    if declared is not None and learner is not None:
        found |= {"base": learner.base, "serve": declared.serve, "every_labels": declared.every_labels}
        found |= {"every_seconds": declared.every_seconds, "sources": list(declared.bounds.sources)}
    return found
