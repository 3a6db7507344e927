"""Rewards: what an answer was worth, by measures that the caller names (`revenue`, `click`)."""

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name
from interlock.gateway.faults import shown
from interlock.gateway.feedback import Entry, Key, Noun, number, reader_of
from interlock.predictions.records import Reward, RewardsRecord


class RewardsRequest(msgspec.Struct, gc=False):
    """The JSON of a request."""

    rewards: list[Entry]


def _read(key: Key, entry: Entry) -> Reward:
    name = entry["name"]
    if not isinstance(name, str):
        raise InvalidInputError(f"name == {shown(name)}, must be a text")
    return Reward(
        key.prediction_id, key.request_id, key.request_row, check_name("reward", name),
        float(number("value", entry["value"])), key.observed_at_us, key.source, key.weight,
    )  # fmt: skip


REWARDS = Noun("reward", reader_of(RewardsRequest, "rewards"), ("name", "value"), "natural", _read, RewardsRecord)
