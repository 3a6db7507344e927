"""From a registered version to a runtime, as a gateway sees it.

Called by gateways and by paired scoring. What runs in this process is loaded by `predictors`.
"""

from pathlib import Path

import msgspec

from interlock.domain.model import ModelVersion
from interlock.domain.ports import Runtime
from interlock.runtimes.artifact import verified
from interlock.runtimes.inline import InlineRuntime
from interlock.runtimes.isolated import IsolatedRuntime
from interlock.runtimes.predictors import load_predictor
from interlock.runtimes.remote import RemoteRuntime


def load_runtime(version: ModelVersion, artifacts: Path) -> Runtime:
    """Load a version where its placement says. Blocks until it can answer; call it off the event loop.

    Raises:
        UnloadableModelError: As `load_predictor`; also when a runner process does not come up, or a remote server
            is not what it was.
    """
    if version.placement == "remote":
        return RemoteRuntime(version, verified(artifacts, version.serving_digest))
    if version.placement == "isolated":
        return IsolatedRuntime(version, artifacts)
    return InlineRuntime(
        load_predictor(version, artifacts),
        version.ref,
        row_us=version.row_us if version.placement == "inline" else None,
        isolate=lambda: IsolatedRuntime(msgspec.structs.replace(version, placement="isolated"), artifacts),
    )
