"""A field as the metadata of the Open Inference Protocol describe it: name, datatype, shape, and what those do not say.

`parameters.content_type` says so where a tensor is a `date`, a `datetime` (both are ISO 8601 texts) or an `image` (its
UINT8 pixels may come as one encoded file a row instead, as BYTES). `parameters.default` is what stands for a tensor
that a request leaves out.
"""

from typing import Any

from interlock.domain.contract import Field


def tensor(field: Field) -> dict[str, Any]:
    """The description of an input or output."""
    found: dict[str, Any] = {"name": field.name, "datatype": field.datatype, "shape": [-1, *field.shape]}
    if parameters := _parameters(field):
        found["parameters"] = parameters
    return found


def _parameters(field: Field) -> dict[str, Any]:
    if field.time is not None:
        said = {"content_type": "date" if field.time.is_date else "datetime"}
        more = {"zone": field.time.zone, "unit": field.time.unit}
        return said | {name: value for name, value in more.items() if value is not None}
    if field.image is not None:
        return {"content_type": "image", "formats": list(field.image.formats)}
    if field.is_parameter:
        return {"optional": True, "default": field.default}
    return {}
