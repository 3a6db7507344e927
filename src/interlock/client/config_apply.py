"""Puts a file in force: the models that are missing are registered with their content, then all the rest at once.

Either step may be done again: a model is known by its content, and the rest is one transaction of the server. So what
was interrupted is mended by applying the file again.
"""

import re
from collections.abc import Callable
from typing import Any

from interlock.client.client import Client
from interlock.client.config_file import ConfigFile
from interlock.domain.configuration import ConfiguredVersion
from interlock.domain.errors import ConflictError, InterlockError, InvalidInputError, UnloadableModelError
from interlock.domain.sizes import size_bytes

_PLACE = re.compile(r"models\.(?P<name>.+)\[(?P<number>\d+)\]")

Tell = Callable[[str], None]


class ConfigApply:
    """A file beside a server.

    Args:
        client: To the server.
        file: What is compared, and put in force.
        prune: Whether what is not in the file is deleted, in the sections that it has.

    Raises:
        InvalidInputError: A model of the file cannot be read, with its line.
    """

    def __init__(self, client: Client, file: ConfigFile, *, prune: bool = False) -> None:
        self._client, self._file, self._prune = client, file, prune
        self._document = file.document()

    def compare(self) -> dict[str, Any]:
        """What the file would change.

        Raises:
            InvalidInputError: Every fault, with its line.
        """
        try:
            return self._client.diff_config(self._document, prune=self._prune)
        except InvalidInputError as error:
            raise self._file.explain(error) from error

    def apply(self, found: dict[str, Any], tell: Tell) -> None:
        """Do what `compare` has found.

        Args:
            found: What `compare` has found.
            tell: Told what is done, since it may take long.

        Raises:
            ConflictError: It would break a running release, which is named. Nothing was done.
            InvalidInputError: A model cannot be registered, or the rest does not fit it; with the line.
        """
        if found["conflicts"]:
            raise ConflictError(
                "; ".join(self._file.at(f"{each['place']}: {each['text']}") for each in found["conflicts"])
            )
        new = [_New(self._file, change) for change in found["changes"] if change["action"] == "register"]
        faults = [fault for each in new for fault in each.faults()]
        if faults:
            raise InvalidInputError(*faults)
        for each in new:
            tell(f"registering {each.ref}")
            each.register(self._client)
        if len(new) < len(found["changes"]):
            tell("putting the rest in force")
            gone = [change["place"] for change in found["changes"] if change["action"] == "delete"]
            try:
                self._client.apply_config(self._document, prune=self._prune, deletes=gone)
            except InvalidInputError as error:
                raise self._file.explain(error) from error


class _New:
    """A version that is to be registered.

    Args:
        file: Where it stands.
        change: What the server said of it.

    Raises:
        InterlockError: The server named what is no place of a model.
    """

    def __init__(self, file: ConfigFile, change: dict[str, Any]) -> None:
        self._file, self._place, self.ref = file, change["place"], change["subject"]
        place = _PLACE.fullmatch(self._place)
        if place is None:
            raise InterlockError(f"the server named {self._place!r}, which is no place of a model")
        self._name = place["name"]
        self._entry = (file.configuration.models or {})[self._name][int(place["number"])]

    def faults(self) -> list[str]:
        """Files beside the source that are not there."""
        entry = self._entry
        named = {"reference": entry.reference, "code": entry.code}
        if isinstance(entry.contract, str):
            named["contract"] = entry.contract
        paths = {field: self._file.path(given) for field, given in named.items()}
        return [
            self._file.at(f"{self._place}.{field}: {path} does not exist; name a file on this machine")
            for field, path in paths.items()
            if path is not None and not path.exists()
        ]

    def register(self, client: Client) -> None:
        """Send and register it.

        Raises:
            InvalidInputError: It cannot be registered, with the line.
            ConflictError: It became another number.
        """
        source, code = self._file.source(self._entry)
        try:
            made = client.register(self._name, source, code=code, **_options(self._file, self._entry))
        except InvalidInputError as error:
            raise InvalidInputError(*(self._at(fault) for fault in error.faults)) from error
        except UnloadableModelError as error:
            raise UnloadableModelError(self._at(str(error))) from error
        if made["ref"] != self.ref:
            raise ConflictError(
                self._at(f"became {made['ref']}, since somebody registered another at the same time; apply again")
            )

    def _at(self, text: str) -> str:
        return self._file.at(f"{self._place}: {text}")


def _options(file: ConfigFile, entry: ConfiguredVersion) -> dict[str, Any]:
    """As `Client.register` takes them."""
    contract = file.path(entry.contract) if isinstance(entry.contract, str) else entry.contract
    return {
        "reference": file.path(entry.reference),
        "label": entry.label,
        "trust_pickle": entry.trust_pickle,
        "compile": entry.compile,
        "parent": entry.parent,
        "trained_on": entry.trained_on,
        "contract": contract,
        "python": entry.python,
        "token_env": entry.token_env,
        "memory_bytes": None if entry.memory is None else size_bytes("memory", entry.memory),
        "startup_seconds": entry.startup_seconds,
    }
