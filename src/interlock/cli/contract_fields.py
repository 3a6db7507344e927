"""Fields of a contract as rows of a table. Used by `model show` and `endpoint show`."""

from typing import Any

import msgspec

from interlock.domain import times
from interlock.domain.contract import Field

_MOST_SHOWN = 12

FIELD_COLUMNS = ("name", "type", "shape", "nullable", "default", "minimum", "maximum", "categories", "rules", "privacy")


def spell_field(given: dict[str, Any]) -> dict[str, Any]:
    """A field in words: its type, its bounds, and what of it refuses."""
    field = msgspec.convert(given, Field)
    return {
        "name": field.name,
        "type": _type(field),
        "shape": list(field.shape) or None,
        "nullable": field.nullable,
        "default": list(field.default) if isinstance(field.default, tuple) else field.default,
        "minimum": _bound(field, field.minimum),
        "maximum": _bound(field, field.maximum),
        "categories": _listed(field.categories),
        "rules": "declared" if field.declared else "watched" if _has_rules(field) else None,
        "privacy": None if field.privacy == "keep" else field.privacy,
    }


def _listed(categories: tuple[str, ...] | None) -> list[str] | None:
    if categories is None or len(categories) <= _MOST_SHOWN:
        return None if categories is None else list(categories)
    return [*categories[:_MOST_SHOWN], f"and {len(categories) - _MOST_SHOWN} more"]


def _type(field: Field) -> str:
    if field.image is not None:
        resized = f", resized ({field.image.resize})" if field.image.resize else ""
        return f"image, {' or '.join(field.image.formats)}{resized}"
    if field.time is not None:
        zone = f", {field.time.zone}" if field.time.zone else ""
        unit = f", or integers ({field.time.unit})" if field.time.unit else ""
        return f"{'date' if field.time.is_date else 'timestamp'}{zone}{unit}"
    measured = f", {field.measured_in}" if field.measured_in else ""
    return f"{field.datatype}, category" if field.is_category else field.datatype + measured


def _bound(field: Field, value: float | None) -> float | str | None:
    return times.at_seconds(value, field.time) if value is not None and field.time is not None else value


def _has_rules(field: Field) -> bool:
    return field.categories is not None or field.minimum is not None or field.maximum is not None
