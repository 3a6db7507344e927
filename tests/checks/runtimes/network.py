# mypy: ignore-errors
# torch is not installed where types are checked, and TorchScript reads annotations that must name its own types.
"""A small network that knows what to do with missing numbers. Imported only where torch is installed."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; the extra `torch` brings it")


class Network(torch.nn.Module):
    """Two layers and a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2), torch.nn.Softmax(dim=1)
        )

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.nan_to_num(rows, nan=0.0) / 100.0)
