"""Networks as scikit-learn has them: estimators for pipelines, cross-validation and grid search.

They translate between two conventions: what they learn is an MLP, and `nn.fit` trains it. They need
scikit-learn (the extra `sklearn`), which `import nn` alone never loads.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Self

from engine.lazy import missing

try:
    import numpy as np
    from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
    from sklearn.utils import column_or_1d, multiclass
    from sklearn.utils.class_weight import compute_class_weight

    from nn.checks import in_users_terms
    from nn.interop.estimator import ScalarMLP
except ImportError as error:
    needed = f"estimators need scikit-learn 1.6 or newer ({error})"
    raise ImportError(missing(needed, "sklearn")) from error


@dataclass(eq=False, repr=False)
class ScalarMLPClassifier(ClassifierMixin, ScalarMLP):  # type: ignore[misc]
    """A network that tells two or more classes apart, with the face of a scikit-learn classifier.

    Targets may also be a matrix of 0 and 1 with a column for each label (multilabel). Then each
    label has a probability of its own, and a prediction is a row of 0 and 1.

    Beside the arguments that both estimators have it takes `class_weight`: how much a row of each
    class counts. It is a mapping from class to weight (1 for classes that it leaves out), or
    "balanced", which lets all classes count the same.

    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["even", "odd", "odd", "even"]
    >>> model = ScalarMLPClassifier((8,), "tanh", lr=0.05, alpha=0, tol=1e-2, random_state=1)
    >>> model.fit(X, y).predict(X).tolist()
    ['even', 'odd', 'odd', 'even']
    """

    _: KW_ONLY
    class_weight: str | Mapping[Any, float] | None = None

    def partial_fit(  # type: ignore[override]  # scikit-learn's classifiers have it so
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train for one epoch on these rows, and go on from there at the next call.

        Arguments:
            classes: all that there are; the first call needs them, since its rows may lack some.
        """
        with in_users_terms:
            multiclass._check_partial_fit_first_call(self, classes)
            return super().partial_fit(X, y, sample_weight)

    def _read(self, y: Any, goes_on: bool, once: bool) -> tuple[Any, int, dict[str, Any]]:
        """Targets as numbers, how many outputs they need, and arguments of `nn.fit`."""
        multiclass.check_classification_targets(y)
        several = multiclass.type_of_target(y) == "multilabel-indicator"
        y = y if several else column_or_1d(y, warn=True)
        found = np.arange(y.shape[1]) if several else np.unique(y)
        if not goes_on:
            self._several = several
            self.classes_: Any = self.classes_ if once else found
        known: list[Any] = self.classes_.tolist()
        who, many = type(self).__name__, len(known)
        if several != self._several or not set(found.tolist()) <= set(known):
            got = f"{who} learns the classes {known}, got targets with {found.tolist()}"
            remedy = "give all classes to the first partial_fit, or call fit without warm_start"
            raise ValueError(f"{got}; {remedy}")
        if many < 2:
            raise ValueError(f"{who} takes rows of two or more classes, got one class: {known}")
        two = many == 2 and not several
        loss = "binary_cross_entropy_with_logits" if two or several else "cross_entropy"
        how: dict[str, Any] = {"loss": loss}
        if once and self.class_weight == "balanced":
            fault = "partial_fit cannot balance classes, since it sees some of the rows"
            raise ValueError(f"{fault}: give class_weight as a mapping, or call fit")
        if self.class_weight is not None:
            weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
            how["class_weights"] = weights.tolist()
        return y if several else np.searchsorted(self.classes_, y), 1 if two else many, how

    @in_users_terms
    def decision_function(self, X: Any) -> Any:
        """The score (logit) of each class for each row; of two classes that of the second."""
        return self._outputs(X)

    @in_users_terms
    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of `predict_proba`, exact where it is close to 0 or 1."""
        scores = self._outputs(X)
        yes = -np.logaddexp(0.0, -scores)
        if self._several:
            return yes
        if scores.ndim == 1:
            return np.column_stack([-np.logaddexp(0.0, scores), yes])
        return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)

    @in_users_terms
    def predict_proba(self, X: Any) -> Any:
        """How likely each class is for each row, in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))

    @in_users_terms
    def predict(self, X: Any) -> Any:
        """The likeliest class of each row; of several labels, those that are likelier than not."""
        scores = self._outputs(X)
        if self._several:
            return (scores > 0.0).astype(int)
        return self.classes_[scores.argmax(axis=1) if scores.ndim == 2 else 1 * (scores > 0.0)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@dataclass(eq=False, repr=False)
class ScalarMLPRegressor(MultiOutputMixin, RegressorMixin, ScalarMLP):  # type: ignore[misc]
    """A network that gives one or more numbers, with the face of a scikit-learn regressor.

    It learns from the mean squared error of the standard scores of the targets. So their scale does
    not matter, and a loss of 0.3 means that 70% of their variance are explained. `model_` gives
    targets as they are: its last layer has the scale in its weights.

    >>> X = [[i / 10] for i in range(-10, 11)]
    >>> y = [100 * x * x for (x,) in X]
    >>> model = ScalarMLPRegressor((8,), "tanh", lr=0.05, alpha=0.01, tol=1e-3, random_state=1)
    >>> model.fit(X, y).score(X, y) > 0.98
    True
    """

    _: KW_ONLY
    alpha: float = 1.0

    def _read(self, y: Any, goes_on: bool, once: bool) -> tuple[Any, int, dict[str, Any]]:
        """The targets, how many outputs they need, and arguments of `nn.fit`."""
        columns = np.asarray(y, dtype="float64").reshape(len(y), -1)
        many = columns.shape[1]
        return columns, many, {"loss": "mse"}

    def _train(self, model: Any, X: Any, targets: Any, goes_on: bool, how: Any) -> Any:
        """Train on standard scores, by the mean and the spread of the first targets."""
        if goes_on:
            mean, spread = self._scale
            _rescale(model, 1.0 / spread, -mean / spread)
        else:
            average = partial(np.average, axis=0, weights=how.get("sample_weight"))
            mean = average(targets)
            spread = np.sqrt(average((targets - mean) ** 2))
            spread = np.where(spread == 0.0, 1.0, spread)
            self._scale: Any = mean, spread
        try:
            return super()._train(model, X, (targets - mean) / spread, goes_on, how)
        finally:
            _rescale(model, spread, mean)

    @in_users_terms
    def predict(self, X: Any) -> Any:
        """The target of each row; several columns where it learnt several."""
        return self._outputs(X)


def _rescale(model: Any, factor: Any, shift: Any) -> None:
    """Let a model give `factor * output + shift` for each of its outputs."""
    columns = np.atleast_1d(factor).tolist(), np.atleast_1d(shift).tolist()
    for neuron, a, b in zip(model.layers[-1].neurons, *columns, strict=True):
        for parameter in (*neuron.w, neuron.b):
            parameter.data *= a
        neuron.b.data += b
