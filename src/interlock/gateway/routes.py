"""Which path and method leads where, and what the caller must be allowed to do. What is not here is refused.

The table holds one entry per path that exists now, so finding a route is one lookup; it is made anew when an endpoint
comes, goes or changes versions.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import NoReturn
from urllib.parse import unquote

from interlock.domain.access import Key
from interlock.gateway.catalogue import Catalogue
from interlock.gateway.errors import RefusedError, UnknownEndpointError
from interlock.gateway.exchange import Answer, Request
from interlock.gateway.handlers import Describe, Predict, Report
from interlock.gateway.key_ring import require
from interlock.gateway.served import Board, ServedEndpoint

Handle = Callable[[Request], Awaitable[Answer]]

PREDICT = ("predict",)
_LABEL = ("label",)
# Whoever may ask a model may know what it takes, and whoever watches may know both.
LOOK = ("predict", "read")
_ANY = ("predict", "label", "read")
_ACTIONS = ("invocations", "labels", "decisions", "rewards")


@dataclass(frozen=True, slots=True)
class Route:
    """Where one method on one path leads.

    Args:
        actions: The caller's key must allow one of them; none needed if it is empty.
        endpoint: The endpoint it is about, if any.
        is_mlflow: Whether errors are told in MLflow's words too.
    """

    handle: Handle
    actions: tuple[str, ...] = ()
    endpoint: str | None = None
    is_mlflow: bool = False


class Routes:
    """The table of routes.

    Args:
        default_endpoint: Who answers `/invocations`; None: the only endpoint there is.
    """

    def __init__(
        self,
        board: Board,
        predict: Predict,
        describe: Describe,
        report: Report,
        default_endpoint: str | None,
        *,
        catalogue: Catalogue,
    ) -> None:
        self._board, self._predict, self._describe, self._report = board, predict, describe, report
        self._catalogue = catalogue
        self._default = default_endpoint
        self._table: dict[str, dict[str, Route]] = {}
        self.rebuild()

    def rebuild(self) -> None:
        """Make the table for what is served now."""
        table = {
            "/v2/health/live": {"GET": Route(self._describe.live)},
            "/v2/health/ready": {"GET": Route(self._describe.ready)},
            "/v2": {"GET": Route(self._describe.server, LOOK)},
            "/metrics": {"GET": Route(self._report.metrics, LOOK)},
            **self._of_catalogue(),
        }
        for served in self._board.endpoints:
            table.update(self._of_endpoint(served))
        default = self._board.find(self._default) if self._default is not None else self._only()
        if default is not None:
            table.update(self._of_default(default.name))
        self._table = table

    def find(self, path: str, method: str) -> Route:
        """The route.

        Raises:
            RefusedError: There is no such path (404), or not with this method (405).
        """
        methods = self._table.get(path) or self._table.get(path.rstrip("/")) or self._of_device(path)
        if methods is None:
            return _missing(path, method, self._board)
        route = methods.get(method)
        if route is None:
            allowed = ", ".join(methods)
            raise RefusedError(
                405, "method", f"{method[:20]} is not possible here, only {allowed}", [(b"allow", allowed.encode())]
            )
        return route

    def _of_device(self, path: str) -> dict[str, Route] | None:
        """Devices are not known before they speak, so they are not in the table."""
        match path.strip("/").split("/"):
            case ["telemetry", device]:
                return {"POST": Route(partial(self._report.measure, device), _LABEL)}
        return None

    def _of_catalogue(self) -> dict[str, dict[str, Route]]:
        catalogue = self._catalogue
        return {
            "/": {"GET": Route(catalogue.alive)},
            "/v2/openapi.json": {"GET": Route(catalogue.openapi)},
            "/v1/models": {"GET": Route(catalogue.models, LOOK)},
            "/v2/models": {"GET": Route(catalogue.models, LOOK)},
            "/v2/models/stats": {"GET": Route(catalogue.statistics, LOOK)},
            "/v2/repository/index": {"POST": Route(catalogue.index, LOOK)},
        }

    def _only(self) -> ServedEndpoint | None:
        endpoints = self._board.endpoints
        return endpoints[0] if len(endpoints) == 1 else None

    def _of_endpoint(self, served: ServedEndpoint) -> dict[str, dict[str, Route]]:
        name = served.name
        table = self._of_model(f"/v2/models/{name}", name, None)
        for ref in served.versions:
            for spelt in (ref, ref.rpartition(":")[2]):
                table.update(self._of_model(f"/v2/models/{name}/versions/{spelt}", name, spelt))
        predict, ready = partial(self._predict.invoke, name), partial(self._describe.model_ready, name)
        table[f"/endpoints/{name}/invocations"] = {"POST": Route(predict, PREDICT, name, is_mlflow=True)}
        table[f"/v1/models/{name}:predict"] = {"POST": Route(predict, PREDICT, name)}
        table[f"/v1/models/{name}"] = {"GET": Route(ready, LOOK, name)}
        for word in ("load", "unload"):
            table[f"/v2/repository/models/{name}/{word}"] = {"POST": Route(self._catalogue.load, LOOK, name)}
        feedback = {"labels": self._report.label, "decisions": self._report.decide, "rewards": self._report.reward}
        for noun, handle in feedback.items():
            table[f"/endpoints/{name}/{noun}"] = {"POST": Route(partial(handle, name), _LABEL, name)}
        return table

    def _of_model(self, path: str, name: str, pinned: str | None) -> dict[str, dict[str, Route]]:
        describe, catalogue = self._describe, self._catalogue
        return {
            path: {"GET": Route(partial(describe.model, name, pinned=pinned), LOOK, name)},
            f"{path}/ready": {"GET": Route(partial(describe.model_ready, name, pinned=pinned), LOOK, name)},
            f"{path}/config": {"GET": Route(partial(catalogue.config, name, pinned=pinned), LOOK, name)},
            f"{path}/stats": {"GET": Route(partial(catalogue.statistics, endpoint=name, pinned=pinned), LOOK, name)},
            f"{path}/infer": {"POST": Route(partial(self._predict.infer, name, pinned=pinned), PREDICT, name)},
        }

    def _of_default(self, name: str) -> dict[str, dict[str, Route]]:
        return {
            "/invocations": {"POST": Route(partial(self._predict.invoke, name), PREDICT, name, is_mlflow=True)},
            "/ping": {"GET": Route(self._describe.ping)},
            "/health": {"GET": Route(self._describe.ping)},
            "/version": {"GET": Route(self._describe.version)},
        }


def _missing(path: str, method: str, board: Board) -> Route:
    """Explain a path that is not in the table.

    What names endpoints is told to callers with a key only, so it is a route of its own that always refuses.
    """
    match path.strip("/").split("/"):
        case ["v2", "models", name, *rest]:
            return Route(partial(refuse_model, board, LOOK, unquote(name), rest), LOOK)
        case ["v1", "models", name] | ["v2", "repository", "models", name, "load" | "unload"]:
            name = name.removesuffix(":predict")
            return Route(partial(refuse_model, board, LOOK, unquote(name), []), LOOK)
        case ["endpoints", name, action] if action in _ACTIONS:
            refuse = partial(refuse_model, board, _ANY, unquote(name), [])
            return Route(refuse, _ANY, is_mlflow=action == "invocations")
        case ["invocations"]:
            return Route(partial(_refuse_default, board), PREDICT, is_mlflow=True)
    raise RefusedError(404, "route", f"there is nothing at {method[:20]} {path[:200]}")


async def refuse_model(
    board: Board, actions: tuple[str, ...], name: str, rest: list[str], request: Request
) -> NoReturn:
    """Say why there is no such model, or version, or path below it: no more than the caller's key may know.

    Args:
        actions: The key must allow one of them to learn more than that the endpoint is there.
        rest: The path after the name.

    Raises:
        UnknownEndpointError: There is no such endpoint.
        RefusedError: There is, and not what is asked of it.
        ForbiddenError: The key may not ask it.
    """
    served = board.find(name)
    if served is None:
        names = _names_for(request.key, board)
        if board.names and not names:
            raise UnknownEndpointError(name, (), f"none that key {request.key.name!r} may ask is served")
        raise UnknownEndpointError(name, names)
    require(request.key, actions, name)
    if len(rest) >= 2 and rest[0] == "versions":
        known = ", ".join(served.versions)
        message = f"Request for unknown model: version {rest[1][:128]!r} of {name!r} is not loaded; there is: {known}"
        raise RefusedError(404, "version", message)
    raise RefusedError(404, "route", f"there is nothing at /{'/'.join(rest)[:200]} of {name!r}")


async def _refuse_default(board: Board, request: Request) -> NoReturn:
    names = ", ".join(_names_for(request.key, board)[:20]) or "none yet"
    raise RefusedError(404, "route", f"say which endpoint: POST /endpoints/NAME/invocations; there is: {names}")


def _names_for(key: Key, board: Board) -> tuple[str, ...]:
    """The endpoints that a key may know of: it tells nobody what others are called."""
    return tuple(name for name in board.names if not key.endpoints or name in key.endpoints)
