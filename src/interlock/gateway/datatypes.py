"""Element types of the Open Inference Protocol, and which of them a field of the contract takes."""

import numpy as np

from interlock.domain.contract import Field

INTEGERS = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
FLOATS = frozenset({"FP16", "BF16", "FP32", "FP64"})
NUMBERS = INTEGERS | FLOATS
# Neither JSON nor protobuf has a number like these.
ONLY_BINARY = frozenset({"FP16", "BF16"})
ALL = NUMBERS | {"BOOL", "BYTES"}

# Little-endian, as on the wire. BYTES has no fixed size. NumPy has no BF16, which is the upper half of an FP32.
DTYPES: dict[str, np.dtype[np.generic]] = {
    "BOOL": np.dtype("?"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "FP16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}


def accepted(field: Field) -> frozenset[str]:
    """Datatypes that a request may give for a field.

    Any numeric one for a number: what counts is whether the values fit, which is checked one by one.
    """
    return NUMBERS if field.is_numeric else frozenset({field.datatype})
