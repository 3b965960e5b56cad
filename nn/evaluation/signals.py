"""What the inputs and the units of a model hold for a sample."""

from typing import Any

from engine import no_grad
from nn.checks import as_list
from nn.evaluation.measure import predict
from nn.models.chain import Part
from nn.models.module import Module


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
        raise TypeError(
            f"{who} takes a model that applies its Layers one after another, got "
            f"{type(model).__name__}, which makes {said!r:.60} of this sample where they make "
            f"{numbers[-1]!r:.60}; give activations to the Layers, or give it Layers one by one"
        )
    return numbers
