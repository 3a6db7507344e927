"""Contract files on the caller's side: YAML, of which JSON is a part. What they say is checked where it arrives."""

import os
from pathlib import Path
from typing import Any

import yaml

from interlock.domain.errors import InvalidInputError


def read_contract(path: str | Path) -> dict[str, Any]:
    """Read a contract file.

    Raises:
        InvalidInputError: It is not there, or not readable YAML or JSON.
    """
    try:
        found = yaml.safe_load(Path(path).read_bytes())
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise InvalidInputError(f"contract {path} cannot be read: {why}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"contract {path} is not YAML or JSON: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"contract {path} must be a mapping with inputs, outputs or classes")
    return found
