"""The activations by name, and how wide the weights in front of them start.

A row says what an activation computes and which initialisation keeps the size of its signals
the same from layer to layer. Add a row and its name works in every layer.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import engine
from engine import Value
from nn.checks import pick

__all__ = ["ACTIVATIONS", "INITS", "Activation", "bound"]


@dataclass(frozen=True, slots=True)
class Activation:
    """One row: a function of one Value, and the name of the initialisation that suits it.

    A function is None where there is nothing to compute (linear); `layerwise` says that it takes
    the list of a whole layer's Values and gives a list (softmax).
    """

    function: Callable[[Any], Any] | None
    init: str = "xavier"
    layerwise: bool = False


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(None),
    "relu": Activation(Value.relu, "he"),
    "leaky_relu": Activation(engine.leaky_relu, "he"),
    "elu": Activation(engine.elu, "he"),
    "gelu": Activation(Value.gelu, "he"),
    "silu": Activation(Value.silu, "he"),
    "softplus": Activation(Value.softplus, "he"),
    "tanh": Activation(Value.tanh),
    "sigmoid": Activation(Value.sigmoid),
    "softmax": Activation(engine.softmax, layerwise=True),
}

# Weights are drawn evenly from (-bound, bound), where bound is a function of the numbers of inputs
# and outputs. Its variance bound**2 / 3 is what the papers derive:
# he: He et al. 2015, "Delving deep into rectifiers" (arXiv:1502.01852), variance 2 / n_in
# xavier: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
#   networks" (AISTATS), variance 2 / (n_in + n_out)
# uniform: micrograd's
INITS: Mapping[str, Callable[[int, int], float]] = {
    "he": lambda n_in, n_out: math.sqrt(6 / n_in),
    "xavier": lambda n_in, n_out: math.sqrt(6 / (n_in + n_out)),
    "uniform": lambda n_in, n_out: 1.0,
}


def bound(activation: str, init: str | None, n_in: int, n_out: int) -> float:
    """The bound of the first weights, which are drawn between minus it and plus it.

    Arguments:
        init: a name in `INITS`; None for the one that suits the activation.

    >>> bound("relu", None, 6, 16), bound("tanh", None, 6, 18), bound("tanh", "uniform", 6, 18)
    (1.0, 0.5, 1.0)
    """
    suited = pick(ACTIVATIONS, activation, "activation").init
    return pick(INITS, suited if init is None else init, "initialisation")(n_in, n_out)
