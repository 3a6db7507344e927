"""What a retrained version takes over from the champion's contract, because rows alone do not say it.

Called when a candidate is examined. Held-out rows without a missing value would make a contract that refuses missing
values, and break callers; declared ranges, time zones and privacy were said by a person, and still hold.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from interlock.domain.contract import Contract, Field, Image
from interlock.domain.declaration import Declaration, DeclaredField


def declaration(champion: Contract) -> Declaration:
    """What is declared of a new version's contract."""
    outputs = {
        field.name: DeclaredField(privacy=field.privacy) for field in champion.outputs if field.privacy != "keep"
    }
    inputs = {field.name: DeclaredField(**said) for field in champion.inputs if (said := _said(field))}
    return Declaration(inputs=inputs, outputs=outputs)


def _said(field: Field) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if field.nullable:
        said["nullable"] = True
    if field.privacy != "keep":
        said["privacy"] = field.privacy
    if field.image is not None:
        return said | _image(field, field.image)
    if field.time is not None:
        said |= _time(field)
    elif field.is_category:
        said |= {"type": "category", "model_takes": "category", "categories": field.categories}
        said["declared"] = field.declared
    if field.declared:
        said |= _rules(field)
    return said


def _time(field: Field) -> dict[str, Any]:
    assert field.time is not None
    said = {
        "type": "date" if field.time.is_date else "timestamp",
        "model_takes": field.time.model_takes,
        "resolution": field.time.resolution,
        "zone": field.time.zone,
        "unit": field.time.unit,
    }
    return {name: value for name, value in said.items() if value is not None}


def _image(field: Field, rule: Image) -> dict[str, Any]:
    return {"type": "image", "shape": field.shape} | msgspec.structs.asdict(rule)


def _rules(field: Field) -> dict[str, Any]:
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    found: dict[str, Any] = {name: _bound(field, value) for name, value in bounds.items() if value is not None}
    if field.categories is not None:
        found["categories"] = field.categories
    return found | {"declared": True}


def _bound(field: Field, value: float) -> float | str:
    if field.time is None:
        return value
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=value)).isoformat()[: 10 if field.time.is_date else None]
