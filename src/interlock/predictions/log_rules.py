"""What of a batch may be written down: privacy rules are applied here, before the spool.

Called by the gateway for endpoints that have rules or take images; all others write their columns as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.block import Block
from interlock.domain.contract import PrivacyRule
from interlock.domain.privacy import UNIT
from interlock.predictions import parts
from interlock.predictions.hashing import Hasher
from interlock.predictions.parts import HASHED, Part

Images = Mapping[str, Sequence[bytes | NDArray[np.uint8]]]
"""Images by column, as they were sent."""


@dataclass(frozen=True, slots=True)
class LogRules:
    """Rules of one endpoint.

    Args:
        privacy: By the log's names of columns; none of them `keep`.
        image_shares: Inputs that are images, and the share of each that the log keeps.
    """

    privacy: Mapping[str, PrivacyRule] = field(default_factory=dict)
    image_shares: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.privacy or self.image_shares)

    def inputs(self, columns: Mapping[str, NDArray[Any]], images: Images, hasher: Hasher) -> list[Part]:
        """Parts of a batch's input."""
        return self._pack("input", columns, images, hasher)

    def outputs(self, columns: Mapping[str, NDArray[Any]], hasher: Hasher) -> list[Part]:
        """Parts of a batch's output."""
        return self._pack("output", columns, {}, hasher)

    def units(self, keys: Sequence[str | None], hasher: Hasher) -> list[str | None]:
        """Sticky keys as they may be written."""
        rule = self.privacy.get(UNIT)
        if rule is None:
            return list(keys)
        return [None if rule == "drop" else hasher.of(key) for key in keys]

    def withheld(self, *sides: Mapping[str, NDArray[Any]]) -> list[str] | None:
        """Which of the columns of inputs and outputs the rules keep out, `unit` included."""
        given = {f"{side}.{name}" for side, columns in zip(("input", "output"), sides, strict=True) for name in columns}
        return sorted(name for name in self.privacy if name in given or name == UNIT) or None

    def _pack(self, side: str, columns: Mapping[str, NDArray[Any]], images: Images, hasher: Hasher) -> list[Part]:
        rules = {name: self.privacy.get(f"{side}.{name}") for name in columns}
        plain = [name for name, rule in rules.items() if rule is None and name not in images]
        found = parts.pack(_only(columns, plain))
        for name, rule in rules.items():
            if rule == "hash":
                values = images[name] if name in images else _values(columns[name])
                found.append(parts.pack_values(f"{name}{HASHED}", [hasher.of(value) for value in values]))
            elif rule is None and name in images:
                found.append(parts.pack_images(name, images[name], self.image_shares.get(name, 1.0)))
        return found


def _only(columns: Mapping[str, NDArray[Any]], names: list[str]) -> Mapping[str, NDArray[Any]]:
    if isinstance(columns, Block):
        kept = [columns.names.index(name) for name in names]
        return Block(tuple(names), np.ascontiguousarray(columns.matrix[:, kept]))
    return {name: columns[name] for name in names}


def _values(column: NDArray[Any]) -> Sequence[Any]:
    """One value a row: plain ones, or arrays."""
    return column.tolist() if column.ndim == 1 else list(column)
