"""Whether an endpoint's log can teach, and the champion as a trainer is given it.

Called by whoever trains: runs, and the measurement of how fast models grow old.
"""

from collections.abc import Mapping
from pathlib import Path

from interlock.domain.contract import Contract, PrivacyRule
from interlock.domain.errors import InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.domain.privacy import effective, withheld_sentence
from interlock.learning.context import Parent
from interlock.runtimes.artifact import unpack, verified

# Artifacts that are folders, as archives.
_FOLDERS = ("mlflow", "python")


def check(contract: Contract, privacy: Mapping[str, PrivacyRule]) -> None:
    """Pass if the log holds what a model takes.

    Args:
        contract: The champion's.
        privacy: Rules of the endpoint.

    Raises:
        InvalidInputError: A rule keeps an input out of the log.
    """
    withheld = [name for name in effective([contract], privacy) if name.startswith("input.")]
    if withheld:
        raise InvalidInputError(f"{withheld_sentence(withheld)}, so nothing can be learnt from it")


def parent(champion: ModelVersion, artifacts: Path, folder: Path) -> Parent:
    """The champion's file, or its folder unpacked into `parent` of a run's folder."""
    path = verified(artifacts, champion.digest)
    if champion.model_format in _FOLDERS:
        unpack(path, folder / "parent")
        path = folder / "parent"
    return Parent(ref=champion.ref, model_format=champion.model_format, path=str(path.absolute()))
