"""What of the candidates' contracts breaks callers, and who may let that through.

Called when a release starts. Every breaking difference must be named by somebody who may approve, with a reason; what
they named stands in the release and in the audit log.
"""

from collections.abc import Sequence

from interlock.domain.access import Key
from interlock.domain.contract_diff import Difference, diff
from interlock.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from interlock.domain.model import ModelVersion


def let_through(
    endpoint: str,
    champion: ModelVersion,
    candidates: Sequence[ModelVersion],
    override: Sequence[str],
    *,
    actor: Key,
    reason: str,
) -> tuple[str, ...]:
    """Refuse candidates of which one breaks callers by something that nobody let through.

    Args:
        override: Names of differences: `input.age`, `output.label`, `classes`, `task`; of a column also without the
            side.

    Returns:
        The full names of what was let through.

    Raises:
        ConflictError: A candidate is the champion, or breaks callers by what was not named.
        ForbiddenError: The actor may not approve.
        InvalidInputError: There is no reason, or a name breaks nobody.
    """
    if any(candidate.ref == champion.ref for candidate in candidates):
        raise ConflictError(f"{champion.ref} is the champion of endpoint {endpoint!r} already")
    found = {candidate.ref: _breaking(champion, candidate) for candidate in candidates}
    every = [each for differences in found.values() for each in differences]
    if override:
        _check(override, every, actor, reason)
    for ref, breaking in found.items():
        _refuse(endpoint, champion.ref, ref, breaking, override)
    return tuple(dict.fromkeys(each.name for each in every))


def _breaking(champion: ModelVersion, candidate: ModelVersion) -> list[Difference]:
    return [found for found in diff(champion.contract, candidate.contract) if found.kind == "breaking"]


def _refuse(
    endpoint: str, champion: str, candidate: str, breaking: Sequence[Difference], override: Sequence[str]
) -> None:
    left = [found for found in breaking if not _is_named(found, override)]
    if left:
        names = ",".join(dict.fromkeys(found.name for found in breaking))
        raise ConflictError(
            f"{candidate} would break callers of endpoint {endpoint!r}, who rely on {champion}: "
            f"{'; '.join(found.what for found in left)}. Whoever may approve can let it through: --override {names}"
        )


def _check(override: Sequence[str], breaking: Sequence[Difference], actor: Key, reason: str) -> None:
    if not actor.may("approve"):
        raise ForbiddenError(
            f"key {actor.name!r} (role {actor.role}) may not let breaking changes through; that needs role approver"
        )
    faults = [] if reason.strip() else ["override: say why, with --reason"]
    for name in override:
        if not any(_is_named(found, (name,)) for found in breaking):
            there = ", ".join(dict.fromkeys(found.name for found in breaking)) or "nothing"
            faults.append(f"override == {name!r}, that breaks nobody; what does: {there}")
    if faults:
        raise InvalidInputError(*faults)


def _is_named(found: Difference, override: Sequence[str]) -> bool:
    return found.name in override or found.name.partition(".")[2] in override
