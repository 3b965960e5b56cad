"""The outputs of a model and of its units, and how good they are."""

from collections.abc import Iterable
from typing import Any

from engine import NumericError, no_grad
from nn.checks import as_list, in_users_terms
from nn.evaluation.metrics import Metrics, confusion, r2, share_right, threshold_of
from nn.evaluation.samples import Rows, pair_up, samples
from nn.losses import Loss
from nn.models.chain import Part
from nn.models.module import Module, check_module, evaluating

MANY = 128  # rows for which it is worth while to compile a program


def predict(model: Module, xs: Iterable[Any]) -> list[Any]:
    """The model's output for each sample: a float, a list of floats, or a list of such lists.

    Computed in evaluation mode and without recording a graph. For many rows of numbers a Program
    does it, where the model computes the same formula for every row and the extra `fast` is
    installed; its answers differ from those of the model's calls in the last digits.

    Raises NumericError where the model's own formula is undefined, with the row.

    >>> from nn import Neuron
    >>> neuron = Neuron(2, "linear", rng=7)
    >>> neuron.b.data = 0.5
    >>> predict(neuron, [(0, 0)])
    [0.5]
    """
    with in_users_terms:
        found = _outputs("predict", model, samples(xs))
    return found if isinstance(found, list) else [*found.tolist()]


def _outputs(who: str, model: Module, rows: Any) -> Any:
    """What `predict` gives, or an array of it."""
    check_module(who, model)
    answers = dict[int, Any]()
    if len(rows) >= MANY:
        from nn.evaluation.programs import outputs  # which loads the compiler

        found = outputs(model, rows)
        if found is not None:
            return found
        lengths: dict[int, list[int]] = {}
        for i, x in enumerate(rows):
            lengths.setdefault(len(x) if hasattr(x, "__len__") else 0, []).append(i)
        for places in lengths.values() if len(lengths) > 1 else ():
            if len(places) >= MANY:  # those of one length may be a program
                found = outputs(model, [rows[i] for i in places])
                answers |= zip(places, [] if found is None else found.tolist(), strict=False)
    with evaluating(model), no_grad():
        for i, x in enumerate(rows):
            try:
                answers[i] = answers[i] if i in answers else _numbers(model(x))
            except NumericError as error:
                error = type(error)(f"row {i}: {error}")
                error.row = i
                raise error from None
    return [answers[i] for i in range(len(rows))]


def signals(who: str, model: Module, parts: list[Part], x: Any) -> list[list[float]]:
    """What the inputs and every unit of every layer hold for a sample.

    Raises TypeError where the model's answer is not that of its layers one after another. Such a
    model computes more than a picture of its layers shows.

    >>> from nn import Layer
    >>> signals("draw_network", layer := Layer(1, 2, "linear", rng=7), [layer], [0.0])
    [[0.0], [0.0, 0.0]]
    """
    signal: Any = tuple(as_list(x))
    columns = [signal]
    with no_grad():
        for part in parts:
            signal = part(signal)
            columns.append(as_list(signal))
    numbers = [[float(value) for value in column] for column in columns]
    said = predict(model, [columns[0]])[0]
    if repr(as_list(said)) != repr(numbers[-1]):  # a nan is a nan
        expected = f"{who} takes a model that applies its Layers one after another"
        got = f"{type(model).__name__}, which makes {said!r:.60} of this sample where they make"
        remedy = "give activations to the Layers, or give it Layers one by one"
        raise TypeError(f"{expected}, got {got} {numbers[-1]!r:.60}; {remedy}")
    return numbers


def accuracy(
    model: Module, xs: Iterable[Any], ys: Iterable[Any], threshold: float | None = None
) -> float:
    """The share of samples whose class the model finds, from 0 to 1.

    With several outputs the class is the largest of them, and a target is its number or a list of
    class probabilities, which sum to 1. With one output the answer is yes where it is above the
    threshold, and a target is 0 or 1, or -1 or +1; a share between 0 and 1 is rounded. Where some
    targets are other lists of such numbers, each output is a yes or no of its own, and a sample is
    right if all of them are. `fit` counts in the same way.

    Where outputs are lists of lists, or lists that differ in length, and targets are lists of as
    many, each item is an answer of its own: the accuracy is the share of places.

    Arguments:
        model: the model.
        xs: the samples.
        ys: their targets.
        threshold: None is 0.5 for a model whose `output` is "sigmoid", else 0 (logits, scores). If
            it is given, lists of targets are always yes or no for each output.

    Raises ValueError for a target that is no such class, with its row.
    """
    with in_users_terms:
        answered = _answered("accuracy", model, xs, ys)
        return share_right(*answered, threshold_of(model), threshold)


def confusion_matrix(
    model: Module, xs: Iterable[Any], ys: Iterable[Any], threshold: float | None = None
) -> list[list[int]]:
    """How often the model takes a sample of each class (a row) for each class (a column).

    Classes are those of `accuracy`; with one output they are no (0) and yes (1). The right answers
    are on the diagonal.

    Arguments:
        model: the model.
        xs: the samples.
        ys: their targets.
        threshold: with one output, the answer is yes above it, as for `accuracy`.

    Raises ValueError for targets that are no class, or for a threshold on several outputs.

    >>> from nn import Neuron
    >>> neuron = Neuron(1, "linear", rng=7)
    >>> neuron.w[0].data, neuron.b.data = 1.0, 0.0
    >>> confusion_matrix(neuron, [[-2], [-1], [1], [2]], [0, 1, 1, 1])
    [[1, 0], [1, 2]]
    """
    with in_users_terms:
        answered = _answered("confusion_matrix", model, xs, ys)
        return confusion(*answered, threshold_of(model), threshold)


def r2_score(model: Module, xs: Iterable[Any], ys: Iterable[Any]) -> float:
    """The coefficient of determination R2: what share of the targets' variance is explained.

    1 is perfect, 0 is as good as always giving the mean of the targets, and a negative number is
    worse. With several outputs it is the mean of theirs. Where all targets are equal it is 1 for
    outputs that are exact, else 0.

    Arguments:
        model: the model.
        xs: the samples.
        ys: their targets: a number for one output, a list of as many for several.

    Raises ValueError where outputs and targets are not of one shape.

    >>> from nn import Neuron
    >>> neuron = Neuron(1, "linear", rng=7)
    >>> neuron.w[0].data, neuron.b.data = 1.0, 0.0
    >>> r2_score(neuron, [[0], [2], [0], [1]], [0, 2, 0, 2])
    0.75
    """
    with in_users_terms:
        return r2(*_answered("r2_score", model, xs, ys))


def measure(model: Module, rows: Rows, loss: Loss, metrics: Metrics) -> dict[str, float]:
    """The loss and the metrics over the rows, of which there is at least one."""
    with evaluating(model), no_grad():
        outputs = [model(x) for x in rows.xs]
        found = {"loss": float(rows.loss(loss, outputs))}
    return found | metrics.of([_numbers(output) for output in outputs], rows)


def _answered(who: str, model: Module, xs: Iterable[Any], ys: Iterable[Any]) -> tuple[Any, Rows]:
    """The model's outputs, and the rows that they are of."""
    rows = pair_up(who, xs, ys, model)
    rows.check(False, "sample")  # the outputs for what is no number may look like any others
    return _outputs(who, model, rows.samples), rows


def _numbers(output: Any) -> Any:
    return [*map(_numbers, output)] if isinstance(output, list | tuple) else float(output)
