"""What a trained model answers, and how much of it is right."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from engine import Value, no_grad
from nn import losses
from nn.module import Module

__all__ = ["Loss", "Row", "accuracy", "measure", "pair_up", "predict"]

Loss: TypeAlias = Callable[[Any, Any], Value]
Row: TypeAlias = tuple[Any, Any]  # a sample and its target

# The losses of classification, and above what an output is the answer yes; None takes the class
# with the largest output.
THRESHOLDS: tuple[tuple[Loss, float | None], ...] = (
    (losses.binary_cross_entropy, 0.5),
    (losses.binary_cross_entropy_with_logits, 0.0),
    (losses.hinge_loss, 0.0),
    (losses.cross_entropy, None),
)


def predict(model: Module, xs: Iterable[Any]) -> list[Any]:
    """The model's output for each sample, as a float (a list of floats where it has several).

    Computed in evaluation mode and without recording a graph.

    >>> from nn import Neuron
    >>> neuron = Neuron(2, "linear", rng=7)
    >>> neuron.b.data = 0.5
    >>> predict(neuron, [(0, 0)])
    [0.5]
    """
    with _answering(model):
        return [_numbers(model(x)) for x in xs]


def accuracy(
    model: Module, xs: Iterable[Any], ys: Iterable[Any], threshold: float | None = None
) -> float:
    """The share of samples whose class the model finds, from 0 to 1.

    With several outputs the class is the largest of them, and a target is its number or a list of
    class probabilities. With one output the answer is yes where it is above the threshold, and a
    target is yes where it is above 0.5 (so 0 and 1 will do, and -1 and +1).

    Arguments:
        model: what answers.
        xs: the samples.
        ys: their targets.
        threshold: None is 0.5 for a model whose `output` is "sigmoid", else 0 (logits, scores).
            Given, it also judges several outputs one by one against lists of targets: all of a
            sample's have to be right.
    """
    rows = pair_up("accuracy", xs, ys)
    outputs = predict(model, [x for x, _ in rows])
    several = isinstance(outputs[0], list)
    if threshold is None and not several:
        threshold = 0.5 if getattr(model, "output", None) == "sigmoid" else 0.0
    return _share_right(outputs, [y for _, y in rows], threshold)


def measure(model: Module, rows: Sequence[Row], loss: Loss) -> dict[str, float]:
    """The loss of the rows, and the accuracy where that loss has one. Nothing for no rows."""
    if not rows:
        return {}
    targets = [y for _, y in rows]
    with _answering(model):
        outputs = [model(x) for x, _ in rows]
        found = {"loss": float(loss(outputs, targets))}
    for function, threshold in THRESHOLDS:
        if function is loss:
            answers = [_numbers(output) for output in outputs]
            found["accuracy"] = _share_right(answers, targets, threshold)
    return found


def pair_up(who: str, xs: Iterable[Any], ys: Iterable[Any]) -> list[Row]:
    """Samples with their targets. A sample that is an iterator is read, since that works once."""
    samples, targets = [tuple(x) if hasattr(x, "__next__") else x for x in xs], list(ys)
    if len(samples) != len(targets):
        raise ValueError(
            f"{who} got {len(samples)} samples and {len(targets)} targets; give one target for each"
        )
    if not samples:
        raise ValueError(f"{who} got no samples; give at least one and its target")
    return list(zip(samples, targets, strict=True))


@contextmanager
def _answering(model: Module) -> Iterator[None]:
    """Evaluation mode, and no graph."""
    was_training = model.training
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        model.train(was_training)


def _numbers(output: Any) -> Any:
    return [float(x) for x in output] if isinstance(output, list | tuple) else float(output)


def _share_right(outputs: Sequence[Any], targets: Sequence[Any], threshold: float | None) -> float:
    right = [_is_right(*pair, threshold) for pair in zip(outputs, targets, strict=True)]
    return sum(right) / len(right)


def _is_right(output: Any, target: Any, threshold: float | None) -> bool:
    if not isinstance(output, list):
        return bool((output > (threshold or 0.0)) == (float(target) > 0.5))
    several = hasattr(target, "__iter__")
    if several and threshold is not None:
        return all(_is_right(*pair, threshold) for pair in zip(output, target, strict=True))
    return _largest(output) == (_largest(list(target)) if several else int(target))


def _largest(xs: Sequence[float]) -> int:
    return max(range(len(xs)), key=xs.__getitem__)
