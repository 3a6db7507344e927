"""The JSON Schema of `interlock.yaml`, for editors and checks: made from the types that read it."""

from typing import Any

import msgspec

from interlock.domain.configuration import Configuration
from interlock.domain.release import ReleasePlan


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12. It knows the form; what names mean is only known to a server."""
    (root, _), parts = msgspec.json.schema_components((Configuration, ReleasePlan), ref_template="#/$defs/{name}")
    for part in parts.values():  # also what is lenient elsewhere, as plans are that were stored
        part["additionalProperties"] = False
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "interlock.yaml",
        **root,
        "$defs": parts,
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))  # defaults among it are tuples
    return plain
