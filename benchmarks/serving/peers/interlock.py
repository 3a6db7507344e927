"""Interlock with everything on: key, contract, canary at 10 %, a record before each answer, metrics.

The collector, the scorer, the controller and the API run beside it, as `interlock up` runs them.
"""

from benchmarks.serving.home import Home, Served, launch_home, make_home
from benchmarks.serving.models import MODELS, train
from benchmarks.serving.target import Launch, Workshop

COMPILED, ISOLATED = "Interlock", "Interlock, isolated"


class Interlock:
    """Each model compiled, and as it is in a process of its own; each with a home of its own."""

    name, packages, installs = "interlock", ("interlock", "onnxruntime", "skl2onnx", "scikit-learn"), False

    def prepare(self, shop: Workshop) -> None:
        train(shop.environment, shop.folder / "models", "skops")
        self._homes: dict[tuple[str, str], Home] = {}

    def launches(self, shop: Workshop) -> list[Launch]:
        return [self.launch(shop, server, model) for server in (COMPILED, ISOLATED) for model in MODELS]

    def launch(self, shop: Workshop, server: str, model: str, *, workers: int = 1) -> Launch:
        """A fresh copy of the model's home."""
        home = self.home(shop, server, model)
        copy = home.copy(shop.folder / f"running-{home.folder.name}")
        return launch_home(copy, [(server, model, copy.endpoints[0])], shop.data, workers=workers)

    def home(self, shop: Workshop, server: str, model: str) -> Home:
        """A home with one endpoint and a canary; made when it is first needed."""
        if (server, model) not in self._homes:
            suffix = "" if server == COMPILED else "-isolated"
            file = shop.folder / "models" / f"{model.lower()}.skops"
            served = Served(model.lower() + suffix, file, compiled=server == COMPILED)
            self._homes[server, model] = make_home(shop.folder / served.name, shop.data, [served])
        return self._homes[server, model]
