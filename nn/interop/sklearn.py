"""Networks as scikit-learn has them: estimators for pipelines, cross-validation and grid search.

They translate between two conventions: what they learn is an MLP, `fit` trains it, and nothing is
computed here. They need scikit-learn (the extra `sklearn`), which `import nn` alone never loads.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

try:
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.class_weight import compute_class_weight
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "estimators need scikit-learn 1.6 or newer; install it with "
        f'pip install "gradwalk[sklearn]" ({error})'
    ) from error

from engine import Value
from nn.evaluation.probabilities import answers, probabilities
from nn.models.layers import MLP
from nn.optim.optimizers import Optimizer
from nn.training.fit import fit

__all__ = ["ScalarMLPClassifier", "ScalarMLPRegressor"]

# The settings that `fit` takes as they are.
PASSED = "optimizer", "lr", "batch_size", "patience", "min_delta", "validation", "clip", "backend"


# scikit-learn reads settings off the signature of `__init__`, which `dataclass` writes.
@dataclass(eq=False, repr=False)
class _ScalarMLP(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What classifier and regressor share: a scikit-learn estimator that trains an MLP.

    Arguments:
        hidden_layer_sizes: how many units each hidden layer has; () is a linear model.
        activation: of the hidden layers, a name in `nn.ACTIVATIONS`.
        optimizer: a name in `nn.OPTIMIZERS`, or a function from parameters to an Optimizer.
        lr: the learning rate; None for the optimiser's own.
        max_epochs, batch_size, patience, min_delta, clip, backend: as for `nn.fit`.
        validation: the share of the rows that decides which epoch is best and when to stop; None
            lets the training loss decide.
        random_state: of the weights, of what is held out and of the order of the rows.
        verbose: whether to show progress.

    Attributes:
        model_: the MLP. history_: the History of its training.
        loss_: the lowest loss, whose parameters it has. n_iter_: how many epochs it took.
        n_features_in_, feature_names_in_: as in all estimators of scikit-learn.
    """

    hidden_layer_sizes: int | Sequence[int] = (16,)
    activation: str = "relu"
    _: KW_ONLY
    optimizer: str | Callable[[list[Value]], Optimizer] = "adam"
    lr: float | None = None
    max_epochs: int = 200
    batch_size: int | None = 32
    patience: int | None = 20
    min_delta: float = 1e-4
    validation: float | None = None
    clip: float | None = None
    random_state: Any = None
    verbose: bool = False
    backend: str = "auto"

    def _learn(
        self, X: Any, targets: Any, outputs: int, loss: str, weights: list[float] | None = None
    ) -> Self:
        """Train a fresh MLP on rows that were checked."""
        rng = random.Random(int(check_random_state(self.random_state).randint(2**31 - 1)))
        hidden: Any = self.hidden_layer_sizes
        widths = [*hidden] if hasattr(hidden, "__iter__") else [hidden]
        model = MLP(X.shape[1], [*widths, outputs], self.activation, rng=rng)
        self.history_ = fit(
            model,
            X,
            targets,
            loss=loss,
            epochs=self.max_epochs,
            seed=rng,
            class_weights=weights,
            progress=self.verbose,
            **{name: getattr(self, name) for name in PASSED},
        )
        self.model_, self.n_iter_, self.loss_ = model, self.history_.epochs, self.history_.best_loss
        if self.history_.stopped == "interrupt":  # what runs the fits, as a search, has to end too
            raise KeyboardInterrupt
        return self

    def _rows(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, dtype="float64", reset=False)


@dataclass(eq=False, repr=False)
class ScalarMLPClassifier(ClassifierMixin, _ScalarMLP):  # type: ignore[misc]
    """A network that tells two or more classes apart, with the face of a scikit-learn classifier.

    Beside the arguments that both estimators have it takes `class_weight`: how much a row of each
    class counts. It is a mapping from class to weight (1 for classes that it leaves out), or
    "balanced", which lets all classes count the same.

    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["even", "odd", "odd", "even"]
    >>> model = ScalarMLPClassifier((8,), "tanh", lr=0.05, random_state=1).fit(X, y)
    >>> model.predict(X).tolist()
    ['even', 'odd', 'odd', 'even']
    """

    _: KW_ONLY
    class_weight: str | Mapping[Any, float] | None = None

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows of numbers and the class of each: numbers or words.

        Raises ValueError for fewer than two classes, and for settings that mean nothing.
        """
        X, y = validate_data(self, X, y, dtype="float64")
        check_classification_targets(y)
        self.classes_, targets = np.unique(y, return_inverse=True)
        several = len(self.classes_)
        if several < 2:
            raise ValueError(
                f"{type(self).__name__} takes rows of two or more classes, got one class: "
                f"{self.classes_.tolist()}"
            )
        weights = None
        if self.class_weight is not None:
            weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y).tolist()
        if several == 2:
            return self._learn(X, targets, 1, "binary_cross_entropy_with_logits", weights)
        return self._learn(X, targets, several, "cross_entropy", weights)

    def predict_proba(self, X: Any) -> Any:
        """How likely each class is for each row, in the order of `classes_`."""
        X = self._rows(X)
        return probabilities(self.model_, X)

    def predict(self, X: Any) -> Any:
        """The likeliest class of each row."""
        likely = self.predict_proba(X)
        return self.classes_[likely.argmax(axis=1)]


class ScalarMLPRegressor(RegressorMixin, _ScalarMLP):  # type: ignore[misc]
    """A network that gives one or more numbers, with the face of a scikit-learn regressor.

    It learns from the mean squared error of the targets as they are. Where targets are much larger
    or smaller than 1, let it learn their standard scores, with
    `sklearn.compose.TransformedTargetRegressor`.

    >>> X = [[i / 10] for i in range(-10, 11)]
    >>> y = [x * x for (x,) in X]
    >>> model = ScalarMLPRegressor((8,), "tanh", lr=0.05, random_state=1).fit(X, y)
    >>> model.score(X, y) > 0.98
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows of numbers and the target of each: a number, or several."""
        X, y = validate_data(self, X, y, dtype="float64", multi_output=True, y_numeric=True)
        targets = np.asarray(y, dtype="float64")
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = targets[:, 0]
        return self._learn(X, targets, targets.shape[1] if targets.ndim == 2 else 1, "mse")

    def predict(self, X: Any) -> Any:
        """The target of each row; several columns where it learnt several."""
        X = self._rows(X)
        found = answers(self.model_, X)
        return found[:, 0] if found.shape[1] == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
