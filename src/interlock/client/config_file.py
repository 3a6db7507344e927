"""`interlock.yaml` on the machine that has it: read, checked, and completed by what only this machine knows.

That is the content of models, as a digest, and secrets, which stand in environment variables. The file itself is never
written to.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from interlock.client.source import kind_of, resolved
from interlock.client.source_digest import source_digest
from interlock.client.yaml_file import YamlFile
from interlock.domain.configuration import Configuration, ConfiguredVersion, check
from interlock.domain.errors import InvalidInputError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ConfigFile:
    """A file that was read and has the right form.

    Args:
        path: Of the file.
        variables: The environment.

    Raises:
        InvalidInputError: Every fault, each with file, line and place.
    """

    def __init__(self, path: Path, variables: Mapping[str, str] = os.environ) -> None:
        self._yaml, self._folder = YamlFile(path), path.parent
        content, missing = _filled(self._yaml.content, variables)
        found, faults = check(content)
        if found is None or missing:
            raise self._yaml.explain(InvalidInputError(*missing, *map(str, faults)))
        self.configuration: Configuration = found

    def at(self, sentence: str) -> str:
        """A sentence that begins with a place, with file and line in front."""
        return self._yaml.at(sentence)

    def explain(self, error: InvalidInputError) -> InvalidInputError:
        """An error of the server, each fault with its line."""
        return self._yaml.explain(error)

    def document(self) -> dict[str, Any]:
        """The content as it is sent: secrets filled in, models with the digest of their content.

        Raises:
            InvalidInputError: A model is not there, or is not what the file says.
        """
        faults: list[str] = []
        models = {
            name: [self._with_digest(f"models.{name}[{number}]", entry, faults) for number, entry in enumerate(entries)]
            for name, entries in (self.configuration.models or {}).items()
        }
        if faults:
            raise self._yaml.explain(InvalidInputError(*faults))
        found: dict[str, Any] = msgspec.to_builtins(self.configuration)
        return found | ({} if self.configuration.models is None else {"models": msgspec.to_builtins(models)})

    def source(self, entry: ConfiguredVersion) -> tuple[str, str | None]:
        """Source and code of an entry, found from where the file is."""
        source = entry.source or ""
        if source.startswith("python:"):
            return source, self.code(entry)
        return (source if kind_of(source) is not None else str(self._folder / source)), entry.code

    def path(self, given: str | None) -> Path | None:
        """A path as the file means it."""
        return None if given is None else self._folder / given

    def code(self, entry: ConfiguredVersion) -> str | None:
        """The code of a Python class: as said, or the module if it lies beside the file."""
        if entry.code is not None:
            return str(self._folder / entry.code)
        module = self._folder / (entry.source or "").removeprefix("python:").partition(".")[0]
        if module.with_suffix(".py").is_file():
            return str(module.with_suffix(".py"))
        return str(module) if (module / "__init__.py").is_file() else None

    def _with_digest(self, place: str, entry: ConfiguredVersion, faults: list[str]) -> ConfiguredVersion:
        if entry.source is None:
            return entry
        try:
            with resolved(*self.source(entry)) as found:
                digest = source_digest(found, entry.token_env)
        except InvalidInputError as error:
            if entry.digest is None:
                faults += [f"{place}.source: {fault}" for fault in error.faults]
            return entry
        if entry.digest not in (None, digest):
            faults.append(f"{place}.digest: is {entry.digest}, and the source has {digest}")
        return msgspec.structs.replace(entry, digest=digest)


def _filled(content: Any, variables: Mapping[str, str]) -> tuple[Any, list[str]]:
    """The content with secrets in the place of `${NAME}`, and which of them are missing."""
    missing: list[str] = []
    for name, channel in _channels(content):
        for variable in _VARIABLE.findall(channel["url"]):
            if not variables.get(variable):
                missing.append(f"channels.{name}.url: the environment variable {variable} is not set")
        channel["url"] = _VARIABLE.sub(lambda found: variables.get(found[1], ""), channel["url"])
    return content, missing


def _channels(content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those that have a URL, in a document whose form nobody has checked yet."""
    channels = content.get("channels") if isinstance(content, dict) else None
    for name, channel in channels.items() if isinstance(channels, dict) else ():
        if isinstance(channel, dict) and isinstance(channel.get("url"), str):
            yield name, channel
