"""The arms of a release that compares several candidates with the champion: their shares, and who can be promoted."""

from interlock.domain.errors import ConflictError
from interlock.domain.release import Release, ReleasePlan
from interlock.domain.traffic import POINTS


def shares_at(release: Release, stage: int) -> tuple[float, ...]:
    """The share of each candidate at a stage: all alike, none for those that were withdrawn.

    Whole millionths, as traffic plans have them.
    """
    each = int(together(release.plan, len(release.candidates), stage) * POINTS / len(release.candidates) + 1e-6)
    return tuple(0.0 if version in release.withdrawn else each / POINTS for version in release.candidates)


def together(plan: ReleasePlan, candidates: int, stage: int) -> float:
    """The share of all candidates at a stage; where the plan does not say, every arm has the same."""
    return plan.steps[stage] if plan.steps else candidates / (candidates + 1)


def is_last_stage(release: Release) -> bool:
    """Whether the plan's steps are through."""
    return release.stage + 1 >= len(release.plan.steps)


def points(release: Release) -> dict[str, int]:
    """Shares of the candidates that were not withdrawn, in millionths."""
    shares = zip(release.candidates, release.shares, strict=True)
    return {version: round(share * POINTS) for version, share in shares if version not in release.withdrawn}


def winner(release: Release, named: str | None) -> str:
    """Which candidate a promotion means.

    Raises:
        ConflictError: It is none of those that remain, or several remain and none is named.
    """
    found = named or release.winner or (release.remaining[0] if len(release.remaining) == 1 else None)
    if found is None:
        raise ConflictError(f"release {release.id} has several candidates: name one of {', '.join(release.remaining)}")
    if found not in release.remaining:
        raise ConflictError(f"{found} is not among the candidates of {release.id}: {', '.join(release.remaining)}")
    return found
