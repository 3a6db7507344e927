"""A policy to be evaluated on the log: which share of rows each version would get, by segment if need be."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.domain.contract import Scalar
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import split_ref

_TOLERANCE = 1e-9


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers from `at_least` on, `below` excluded; None is open."""

    at_least: float | None = None
    below: float | None = None


Condition = Scalar | tuple[Scalar, ...] | Range
"""What a column must be: a value, one of several, or within a range."""


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that fulfil every condition, and their shares.

    Args:
        when: By input.
        shares: By `name:version`.
    """

    when: dict[str, Condition]
    shares: dict[str, float]

    @property
    def spelled(self) -> str:
        return " and ".join(f"{column} {_spelled(condition)}" for column, condition in self.when.items())


class TargetPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of all rows but those of a segment; of several that fit, the first counts."""

    shares: dict[str, float]
    segments: tuple[Segment, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Inputs that its segments ask about."""
        return list(dict.fromkeys(column for segment in self.segments for column in segment.when))

    @property
    def versions(self) -> list[str]:
        """Versions that get any share anywhere."""
        every = [self.shares, *(segment.shares for segment in self.segments)]
        return list(dict.fromkeys(name for shares in every for name, share in shares.items() if share > 0))


def read_policy(given: Mapping[str, Any]) -> TargetPolicy:
    """Read a policy as a person writes it.

    Raises:
        InvalidInputError: With every fault.

    Examples:
        >>> read_policy({"shares": {"wine:2": 0.5}})
        Traceback (most recent call last):
        interlock.domain.errors.InvalidInputError: shares of all other rows sum to 0.5, must sum to 1
    """
    try:
        policy = msgspec.convert(given, TargetPolicy)
    except msgspec.ValidationError as error:
        raise InvalidInputError(
            f'policy: {error}; it looks like {{"shares": {{"wine:1": 0.5, "wine:2": 0.5}}}}'
        ) from error
    faults = [fault for segment in policy.segments for fault in _faults(segment.shares, f"rows with {segment.spelled}")]
    faults += _faults(policy.shares, "all other rows")
    faults += ["a segment without conditions holds every row" for segment in policy.segments if not segment.when]
    if faults:
        raise InvalidInputError(*faults)
    return policy


def _faults(shares: Mapping[str, float], where: str) -> Sequence[str]:
    faults = [
        f"share of {name} for {where} == {share:g}, must be between 0 and 1"
        for name, share in shares.items()
        if not 0 <= share <= 1
    ]
    for name in shares:
        try:
            split_ref(name)
        except InvalidInputError as error:
            faults += error.faults
    total = sum(shares.values())
    if not faults and abs(total - 1) > _TOLERANCE:
        faults.append(f"shares of {where} sum to {total:g}, must sum to 1")
    return faults


def _spelled(condition: Condition) -> str:
    if isinstance(condition, Range):
        bounds = [("at least", condition.at_least), ("below", condition.below)]
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None) or "any"
    if isinstance(condition, tuple):
        return f"in {', '.join(map(str, condition))}"
    return f"= {condition}"
