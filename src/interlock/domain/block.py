"""Numbers side by side: the columns of a request or batch that has nothing but plain numbers, as one matrix.

Most models take a matrix and most requests bring one. Taking it apart into columns and putting it together again would
cost more than the model.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray


# Ask `type(columns) is Block`, which costs a tenth of `isinstance` where the class is abstract above.
class Block(Mapping[str, NDArray[np.float64]]):
    """Columns by name, views of one matrix.

    Args:
        names: Of the columns, in the matrix's order.
        matrix: Rows by columns; missing is NaN.

    Examples:
        >>> block = Block(("x", "y"), np.array([[1.0, 2.0], [3.0, 4.0]]))
        >>> block["y"].tolist()
        [2.0, 4.0]
    """

    __slots__ = ("matrix", "names")

    def __init__(self, names: tuple[str, ...], matrix: NDArray[np.float64]) -> None:
        self.names, self.matrix = names, matrix

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        try:
            column: NDArray[np.float64] = self.matrix[:, self.names.index(name)]
        except ValueError:
            raise KeyError(name) from None
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
