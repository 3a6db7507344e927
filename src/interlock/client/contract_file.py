"""Contract files on the caller's side: YAML, of which JSON is a part. What they say is checked where it arrives."""

from pathlib import Path
from typing import Any

from interlock.client.yaml_file import read_mapping


def read_contract(path: str | Path) -> dict[str, Any]:
    """Read a contract file.

    Raises:
        InvalidInputError: It is not there, or not readable YAML or JSON.
    """
    return read_mapping(Path(path), "with inputs, outputs or classes")
