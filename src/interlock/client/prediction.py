"""What an endpoint answered."""

from dataclasses import dataclass
from typing import Any

from interlock.client.connection import Answer
from interlock.client.transport import decode

_FIRST_CHOICE = ("label", "prediction")


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one request, one entry a row.

    Args:
        values: The class labels of a classifier, the numbers of a regressor, else the first output.
        ids: Prediction ids: labels refer to them.
        version: Who answered, `name:version`.
        raw: The whole answer, in the shape of the Open Inference Protocol.
        fallback: Whether the champion answered for a challenger that failed.
    """

    values: list[Any]
    ids: list[str]
    version: str
    raw: dict[str, Any]
    fallback: bool = False

    @property
    def outputs(self) -> dict[str, list[Any]]:
        """Every output by name; vectors as lists."""
        return {output["name"]: _rows(output) for output in self.raw["outputs"]}

    @classmethod
    def of(cls, answer: Answer) -> "Prediction":
        """Read a gateway's answer."""
        raw = decode(answer.body)
        named = {output["name"]: output for output in raw["outputs"]}
        chosen = next((named[name] for name in _FIRST_CHOICE if name in named), raw["outputs"][0])
        ids = raw.get("parameters", {}).get("prediction_id", [])
        version = answer.header(b"x-interlock-version") or f"{raw['model_name']}:{raw.get('model_version', '')}"
        fallback = b"x-interlock-fallback" in answer.headers
        return cls(_rows(chosen), ids if isinstance(ids, list) else [ids], version, raw, fallback)


def _rows(output: dict[str, Any]) -> list[Any]:
    data: list[Any] = output["data"]
    width = 1
    for length in output["shape"][1:]:
        width *= length
    if len(output["shape"]) < 2 or (data and isinstance(data[0], list)):
        return data
    return [data[start : start + width] for start in range(0, len(data), width)] if width else data
