"""What tests of estimators share: both of them, and rows to learn from."""

import numpy as np

from nn.interop.sklearn import ScalarMLPClassifier, ScalarMLPRegressor

BOTH = [ScalarMLPClassifier, ScalarMLPRegressor]


def separated(seed: int = 0):
    """Rows of three classes as words, whose number is a target for regressors too."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 90)
    return rng.normal(size=(90, 2)) + 2.0 * y[:, None], y


def theta(model) -> np.ndarray:
    return np.array([p.data for p in model.model_.parameters()])
