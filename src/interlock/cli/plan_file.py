"""Release plans as people write them: JSON or TOML files. Read by `release` and by `model test`."""

import json
import tomllib
from pathlib import Path
from typing import Any

from interlock.domain.errors import InvalidInputError


def read_plan(path: Path) -> dict[str, Any]:
    """Fields of a plan.

    Raises:
        InvalidInputError: The file cannot be read, or holds none.
    """
    try:
        text = path.read_text()
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidInputError(f"{path} is not JSON or TOML: {error}") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f'{path} must hold fields of a plan, like {{"steps": [0.05, 1]}}')
    return found
