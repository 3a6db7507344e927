"""A file of names and values that a person wrote, in YAML or JSON."""

from pathlib import Path
from typing import Any

import yaml

from interlock.domain.errors import InvalidInputError


def read_mapping(path: Path) -> dict[str, Any]:
    """Read it. JSON is YAML too.

    Raises:
        InvalidInputError: It cannot be read, or holds something else.
    """
    try:
        found = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not YAML or JSON: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"{path} must hold names and values, like shares: {{wine:1: 0.5, wine:2: 0.5}}")
    return found
