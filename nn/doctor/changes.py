"""What a remedy changes in the copy of a training."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from engine.core.value import set_data
from nn.checks import as_list
from nn.doctor.symptoms import spread
from nn.doctor.trials import Training, class_of
from nn.losses import LOSSES
from nn.models.activations import ActivationName, bound
from nn.models.layers import Layer, Sequential
from nn.models.regularization import Dropout


def both(a: Callable[[Training], None], b: Callable[[Training], None], t: Training) -> None:
    """Two changes."""
    a(t)
    b(t)


def rate(factor: float, t: Training) -> None:
    """Another learning rate."""
    t.optimizer.lr *= factor


def setting(name: str, value: Any, t: Training) -> None:
    """Another argument of `fit`."""
    t.settings[name] = value


def of_optimizer(name: str, value: Any, t: Training) -> None:
    """Another setting of the optimiser."""
    setattr(t.optimizer, name, value)


def more_epochs(factor: int, t: Training) -> None:
    """More epochs."""
    t.epochs *= factor


def learn_all(t: Training) -> None:
    """An optimiser of all parameters."""
    t.model.requires_grad_(True)
    learn(t)


def learn(t: Training) -> None:
    """An optimiser of the parameters that the model has now."""
    t.optimizer.params = t.model.parameters()
    t.optimizer.memory, t.optimizer.groups = [()] * len(t.optimizer.params), ()


def fresh(t: Training) -> None:
    """New weights, as the library draws them."""
    rng = random.Random(1)
    for layer in t.model.modules():
        if isinstance(layer, Layer):
            width = bound(layer.activation, None, layer.n_in, len(layer.neurons))
            weights = [w for neuron in layer.neurons for w in neuron.w]
            set_data(weights, [rng.uniform(-width, width) for _ in weights])
            set_data([neuron.b for neuron in layer.neurons], [0.0] * len(layer.neurons))


def standard_inputs(t: Training) -> None:
    """Samples whose columns have mean 0 and deviation 1 over the rows to learn from."""
    t.xs = _standard(t, [[*map(float, as_list(x))] for x in t.xs])


def standard_targets(t: Training) -> None:
    """Targets with mean 0 and deviation 1 over the rows to learn from."""
    found = _standard(t, [[*map(float, as_list(y))] for y in t.ys])
    t.ys = found if isinstance(t.ys[0], list | tuple) else [y for (y,) in found]


def _standard(t: Training, rows: list[list[float]]) -> list[list[float]]:
    known = [*zip(*[rows[i] for i in t.learned], strict=True)]
    about = [spread(column) for column in known]
    return [[(x - m) / (s or 1.0) for x, (m, s) in zip(row, about, strict=True)] for row in rows]


def activation(name: ActivationName, hidden: bool, t: Training) -> None:
    """Another activation of the hidden layers, or of the last one."""
    layers = [x for x in t.model.modules() if isinstance(x, Layer)]
    for layer in layers[:-1] if hidden else layers[-1:]:
        layer.activation = name
        for neuron in layer.neurons:
            neuron.activation = name
    if not hidden and isinstance(t.model, Sequential):
        t.model.output = name
    if hidden:
        fresh(t)


def wider(least: int, t: Training) -> None:
    """Hidden layers of at least so many units."""
    if not isinstance(t.model, Sequential):
        raise TypeError("the layers of this model cannot be replaced")
    widths = [x for x in t.model.layers if isinstance(x, Layer)]
    rng, before = random.Random(1), widths[0].n_in
    for i, layer in enumerate(t.model.layers):
        if isinstance(layer, Layer):
            last = layer is widths[-1]
            many = len(layer.neurons) if last else max(len(layer.neurons), least)
            t.model.layers[i] = Layer(before, many, layer.activation, rng)
            before = many
    learn(t)


def classify(t: Training) -> None:
    """A loss of classification, on outputs without an activation: one for each class."""
    classes, last = t.classes, [x for x in t.model.modules() if isinstance(x, Layer)][-1]
    number = {each: i for i, each in enumerate(classes)}
    t.ys = [number[class_of(y)] for y in t.ys]
    two = len(classes) == 2 and len(last.neurons) == 1
    t.loss = LOSSES["binary_cross_entropy_with_logits" if two else "cross_entropy"]
    vars(t)["classes"] = sorted(number.values())
    if not two and len(last.neurons) != len(classes):
        replaced(t, last, len(classes))
    activation("linear", False, t)


def regress(t: Training) -> None:
    """The mean squared error of one number."""
    last = [x for x in t.model.modules() if isinstance(x, Layer)][-1]
    t.loss = LOSSES["mse"]
    vars(t)["classes"] = []
    if len(last.neurons) != 1:
        replaced(t, last, 1)
    activation("linear", False, t)
    standard_targets(t)


def replaced(t: Training, layer: Layer, many: int) -> None:
    """A new last layer with another number of units."""
    if not isinstance(t.model, Sequential):
        raise TypeError("the layers of this model cannot be replaced")
    at = t.model.layers.index(layer)
    t.model.layers[at] = Layer(layer.n_in, many, "linear", random.Random(1))
    learn(t)


def dropout(p: float, t: Training) -> None:
    """Dropout of another probability."""
    for part in t.model.modules():
        if isinstance(part, Dropout):
            part.p = p


def mean_of_rows(t: Training) -> None:
    """The loss divided by how many rows it is given."""
    t.loss = partial(_divided, t.loss)


def _divided(loss: Any, outputs: Any, targets: Any) -> Any:
    return loss(outputs, targets) / len(outputs)
