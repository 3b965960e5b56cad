"""What the estimators for scikit-learn share: their settings, and how they train an MLP."""

import math
import random
import warnings
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from engine import Value
from engine.choices import pick
from nn.checks import at_least_zero, in_users_terms
from nn.evaluation.programs import answers
from nn.models.activations import ActivationName
from nn.models.layers import MLP
from nn.optim.optimizers import OPTIMIZERS, Optimizer
from nn.training.fit import fit

ROWS: dict[str, Any] = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}  # what X may be
# The arguments of `fit` that are settings, and the names that these have.
SETTINGS = {name: name for name in ("lr", "batch_size", "clip", "backend")}
SETTINGS |= {"epochs": "max_epochs", "patience": "n_iter_no_change"}
SETTINGS |= {"min_delta": "tol", "progress": "verbose"}


# scikit-learn reads settings off the signature of `__init__`, which `dataclass` writes.
@dataclass(eq=False, repr=False)
class ScalarMLP(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What classifier and regressor share: a scikit-learn estimator that trains an MLP.

    Rows may be arrays, lists, data frames and sparse matrices, which are made dense.

    Arguments:
        hidden_layer_sizes: how many units each hidden layer has; () is a linear model.
        activation: of the hidden layers, a name in `nn.ACTIVATIONS`.
        optimizer: a name in `nn.OPTIMIZERS`, or a function from parameters to an Optimizer.
        lr: the learning rate; None for the optimiser's own.
        alpha: adds `alpha / (2 * rows)` times the sum of the squared parameters to the loss, so
            it matters less the more rows there are. A regressor has 1 by default, as its targets
            are noisier. For "adamw" it is a decay beside the gradient. An optimizer that is a
            function has a `weight_decay` of its own instead.
        max_epochs, batch_size, clip, backend: as for `nn.fit`.
        n_iter_no_change: stop after this many epochs in a row in which the loss (with alpha's part)
            did not fall by more than tol. None never stops early.
        early_stopping: hold out the share `validation_fraction` of the rows (of each class). Their
            loss decides when to stop, and which epoch is the best.
        warm_start: `fit` goes on with the parameters of the fit before.
        random_state: of the first weights (`init="xavier"`, as in scikit-learn), of what is held
            out and of the order of the rows.
        verbose: whether to show progress.

    Attributes:
        model_: the MLP. history_: the History of its last training.
        n_iter_: how many epochs that took. t_: how many rows were learned from, in all epochs.
        loss_curve_: the loss of the training rows after each epoch, without alpha's part.
        loss_: the loss of the parameters that were kept; with early_stopping, of the rows held out.
        best_loss_: the lowest that `loss_` has been.
        n_features_in_, feature_names_in_: as in all estimators of scikit-learn.
    """

    hidden_layer_sizes: int | Sequence[int] = (16,)
    activation: ActivationName = "relu"
    _: KW_ONLY
    optimizer: str | Callable[[list[Value]], Optimizer] = "adam"
    lr: float | None = None
    alpha: float = 0.3
    max_epochs: int = 200
    batch_size: int | None = 100
    n_iter_no_change: int | None = 10
    tol: float = 1e-4
    early_stopping: bool = False
    validation_fraction: float = 0.1
    warm_start: bool = False
    clip: float | None = None
    random_state: Any = None
    verbose: bool = False
    backend: str = "auto"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows of numbers and the target of each.

        Arguments:
            sample_weight: how much each row counts: 2 is as good as having it twice.

        Warns with ConvergenceWarning where the epochs ran out before the loss had settled.
        Raises ValueError for fewer than two classes, and for settings that mean nothing.
        """
        with in_users_terms:
            self._learn(X, y, sample_weight, self.warm_start and hasattr(self, "model_"))
        if self.history_.stopped == "epochs" and self.n_iter_no_change is not None:
            late = f"the loss had not settled after max_epochs={self.max_epochs}"
            ways = "raise max_epochs or lr, scale the columns of X (StandardScaler), or set"
            text = f"{late}; {ways} n_iter_no_change=None where so many epochs are what you want"
            warnings.warn(f"{type(self).__name__}: {text}", ConvergenceWarning, stacklevel=2)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows, and go on from there at the next call."""
        with in_users_terms:
            self._learn(X, y, sample_weight, hasattr(self, "model_"), once=True)
        return self

    def _learn(self, X: Any, y: Any, sample_weight: Any, goes_on: bool, once: bool = False) -> None:
        """Become a copy that has learned, so that one that cannot learn changes nothing."""
        learned = copy(self)
        learned._learn_rows(X, y, sample_weight, goes_on, once)
        self.__dict__ = learned.__dict__
        if self.history_.stopped == "interrupt":  # what runs the fits, as a search, has to end too
            raise KeyboardInterrupt

    def _learn_rows(self, X: Any, y: Any, sample_weight: Any, goes_on: bool, once: bool) -> None:
        """Check the rows, and train.

        Arguments:
            goes_on: whether to go on with the model that there is.
            once: whether to do one epoch only, and to go on with the optimiser too.
        """
        if once and self.early_stopping:
            fault = "partial_fit learns from all rows that it gets: set early_stopping=False"
            raise ValueError(f"{fault}, or call fit, which can hold some out")
        numbers = {name: getattr(self, name) for name in ("alpha", "tol", "validation_fraction")}
        at_least_zero(type(self).__name__, **numbers)
        checks = {"multi_output": True, "y_numeric": is_regressor(self), "reset": not goes_on}
        X, y = map(_dense, validate_data(self, X, y, **ROWS, **checks))
        targets, outputs, how = self._read(y, goes_on, once)
        rows = len(X)
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X)
            X, targets, weights = (each[weights != 0.0] for each in (X, targets, weights))
            how["sample_weight"] = weights
            rows = max(len(X), weights.sum())  # weights may be normalised, to a sum of 1 or so
        if not goes_on:
            self.t_: int = 0
            self.best_loss_: float = math.inf
            self.loss_curve_: list[float] = []
        model, optimizer, rng = self._parts(X.shape[1], outputs, goes_on, once)
        if not callable(self.optimizer):
            optimizer.weight_decay = self.alpha / (rows + self.t_ if once else rows)
        how |= {name: getattr(self, own) for name, own in SETTINGS.items()}
        how |= {"epochs": 1} if once else {}
        share = self.validation_fraction if self.early_stopping else None
        how |= {"validation": share, "monitor": None if share else "objective", "seed": rng}
        how["optimizer"] = lambda parameters: optimizer  # so that `fit` says if it is none
        self.history_: Any = self._train(model, X, targets, goes_on, how)
        self.model_: Any = model
        self._optimizer, self._rng = optimizer, rng
        self.n_iter_: int = self.history_.epochs
        self.loss_: float = self.history_.best_loss
        self.t_ += len(X) * self.n_iter_
        self.loss_curve_ = [*self.loss_curve_, *self.history_.loss]
        self.best_loss_ = min(self.best_loss_, self.loss_)

    def _parts(self, inputs: int, outputs: int, goes_on: bool, once: bool) -> tuple[Any, Any, Any]:
        """The model to train, its optimiser and the source of randomness."""
        widths = [*np.atleast_1d(self.hidden_layer_sizes).tolist(), outputs]
        if goes_on:
            model, rng = self.model_, self._rng
            asked = f"MLP({inputs}, {widths}, activation={self.activation!r}, output='linear')"
            if repr(model) != asked:
                got = f"{type(self).__name__} goes on with {model!r}"
                fault = f"but its settings and the targets ask for {asked}"
                raise ValueError(f"{got}, {fault}; leave them as they were, or fit a clone")
        else:
            rng = random.Random(int(check_random_state(self.random_state).randint(2**31 - 1)))
            model = MLP(inputs, widths, self.activation, rng=rng, init="xavier")
        if goes_on and once:
            return model, self._optimizer, rng
        make: Any = self.optimizer
        make = make if callable(make) else pick(OPTIMIZERS, make, "optimizer")
        return model, make(model.parameters()), rng

    def _train(self, model: Any, X: Any, targets: Any, goes_on: bool, how: Any) -> Any:
        return fit(model, X, targets, **how)

    def _outputs(self, X: Any) -> Any:
        """What the model gives for each row: a number, or a row of several."""
        check_is_fitted(self, "model_")
        found = answers(self.model_, _dense(validate_data(self, X, reset=False, **ROWS)))
        return found[:, 0] if found.shape[1] == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(rows: Any) -> Any:
    return rows.toarray() if hasattr(rows, "toarray") else rows
