"""A model of what a row earns under each action, for the doubly robust estimate: a ridge regression for each action.

Called by `release evaluate`. Cross-fitted: a row is predicted by models that have not seen its unit, or the correction
in `off_policy` would correct too little. It need not be right: a bad one makes the estimate wide and not wrong.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FOLDS = 5

Floats = NDArray[np.float64]


def cross_fitted(
    features: ArrayLike, actions: ArrayLike, rewards: ArrayLike, folds: ArrayLike, *, count: int, ridge: float = 1.0
) -> Floats:
    """Predict the reward of every row under every action.

    Args:
        features: Of each row, standardised, without missing values, shape (n, d); d may be 0. A constant is added.
        actions: Number of the logged action, 0 to `count` - 1, shape (n,).
        rewards: What each row earned, finite.
        folds: Which fold each row's unit is in, 0 to FOLDS - 1.
        count: How many actions there are. An action that other folds never saw is predicted by the mean of all.
        ridge: Strength of the penalty on coefficients, but for the constant. Over 0.

    Returns:
        Shape (n, count).

    Raises:
        ValueError: Shapes differ, or `ridge` is not over 0.

    Examples:
        >>> x = np.linspace(-1, 1, 400).reshape(-1, 1)
        >>> action, fold = np.arange(400) % 2, np.arange(400) // 2 % 5
        >>> found = cross_fitted(x, action, 3 * x[:, 0] + action, fold, count=2)
        >>> found[200].round(1).tolist()
        [0.0, 1.0]

    References:
        Chernozhukov et al. (2018), Double/debiased machine learning, doi:10.1111/ectj.12097.
    """
    table, action, reward, fold = _checked(features, actions, rewards, folds, ridge)
    columns = np.column_stack((np.ones(len(table)), table))
    found = np.empty((len(table), count))
    for one in range(FOLDS):
        inside = fold == one
        for number in range(count):
            seen = ~inside & (action == number)
            found[inside, number] = columns[inside] @ _fit(columns[seen], reward[seen], ridge, _mean(reward[~inside]))
    return found


def _fit(columns: Floats, reward: Floats, ridge: float, otherwise: float) -> Floats:
    """Coefficients, the constant first."""
    size = columns.shape[1]
    if len(columns) == 0:
        return np.array([otherwise, *np.zeros(size - 1)])
    penalty = ridge * np.eye(size)
    penalty[0, 0] = 1e-9
    return np.asarray(np.linalg.solve(columns.T @ columns + penalty, columns.T @ reward), dtype=np.float64)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _checked(
    features: ArrayLike, actions: ArrayLike, rewards: ArrayLike, folds: ArrayLike, ridge: float
) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
    table, reward = np.asarray(features, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
    action, fold = np.asarray(actions, dtype=np.int64), np.asarray(folds, dtype=np.int64)
    if table.ndim != 2 or not len(table) == len(action) == len(reward) == len(fold):
        raise ValueError(f"shapes == {table.shape}, {action.shape}, {reward.shape}, {fold.shape}, must have equal rows")
    if not ridge > 0:
        raise ValueError(f"ridge == {ridge}, must be over 0")
    return table, action, reward, fold
