"""Asks one endpoint of the stand, as any caller would: the Open Inference Protocol in JSON, over HTTP."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.application_test.stand import Stand
from interlock.client.errors import RemoteError
from interlock.client.prediction import Prediction
from interlock.client.rows import Inputs, encode_inputs
from interlock.client.transport import Transport
from interlock.domain.application_tests import Handling
from interlock.domain.contract import Contract
from interlock.domain.errors import InterlockError, InvalidInputError, ModelFailedError, OverloadedError

# A hung model answers nothing; its gateway does, after the deadline.
_BEYOND_DEADLINE_SECONDS = 30.0

# How long a caller waits for a model that was just restarted, before that counts as a failure.
PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Args:
        handling: Answered, refused as bad input, or failed.
        outputs: By name, one value a row; empty unless answered.
        said: Why not.
        is_busy: The model takes no requests at the moment.
    """

    handling: Handling
    outputs: Mapping[str, list[Any]] = field(default_factory=dict)
    said: str = ""
    is_busy: bool = False


class Caller:
    """A caller of one version. May be shared by threads.

    Args:
        stand: The gateway.
        name: Of the endpoint.
        contract: What it takes.
    """

    def __init__(self, stand: Stand, name: str, contract: Contract, deadline_ms: float) -> None:
        self.stand, self.contract = stand, contract
        self._path = f"/v2/models/{name}/infer"
        self._transport = Transport(stand.url, stand.key, 3 * deadline_ms / 1000 + _BEYOND_DEADLINE_SECONDS)
        self._known: Inputs = {one.name: (one.datatype, [-1, *one.shape]) for one in contract.inputs}

    def encode(self, columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
        """Columns as the tensors of a request; those that this version does not take are left out."""
        return encode_inputs({name: values for name, values in columns.items() if name in self._known}, self._known)

    def ask(self, columns: Mapping[str, list[Any]]) -> Reply:
        """Ask for rows; wait a while for a model that was just restarted."""
        return self.send(self.encode(columns))

    def send(self, tensors: list[dict[str, Any]], *, patience_seconds: float = PATIENCE_SECONDS) -> Reply:
        """Send tensors as they are."""
        ends = time.monotonic() + patience_seconds
        while True:
            reply = self._send(tensors)
            if not reply.is_busy or time.monotonic() > ends:
                return reply
            time.sleep(_PAUSE_SECONDS)

    def _send(self, tensors: list[dict[str, Any]]) -> Reply:
        try:
            answer = self._transport.call("POST", self._path, {"inputs": tensors})
        except InvalidInputError as error:
            return Reply("refused", said=str(error))
        except OverloadedError as error:
            return Reply("failed", said=str(error), is_busy=True)
        except ModelFailedError as error:
            return Reply("failed", said=error.status)
        except RemoteError as error:
            return Reply("failed", said=f"status {error.status}: {error}")
        except InterlockError as error:
            return Reply("failed", said=str(error))
        return Reply("answered", Prediction.of(answer).outputs)
