"""The activations by name, and the initialisation of the weights in front of them.

A row says what an activation computes, and which initialisation keeps the signals of equal size
from layer to layer. Add a row, and its name works in every layer.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import engine
from engine import Value
from engine.choices import pick

# The names in `ACTIVATIONS` and `INITS`, for type checkers and editors.
ActivationName: TypeAlias = Literal[
    "linear", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "tanh", "sigmoid", "softmax"
]
InitName: TypeAlias = Literal["he", "xavier", "uniform"]


@dataclass(frozen=True, slots=True)
class Activation:
    """A row of the table.

    Attributes:
        function: a function of one Value. None: there is nothing to compute (linear).
        init: the name of the initialisation that suits it.
        layerwise: whether `function` takes the list of a whole layer's Values and gives a list
            (softmax).
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
OURS = frozenset(ACTIVATIONS.values())  # users may add others

# Weights are uniform in (-bound, bound), where bound is a function of the numbers of inputs and
# outputs. Their variance is bound**2 / 3, and the papers derive what it should be:
# he: He et al. 2015, "Delving deep into rectifiers" (arXiv:1502.01852), variance 2 / n_in
# xavier: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
#   networks" (AISTATS), variance 2 / (n_in + n_out)
# uniform: micrograd's
# WIDEST: beyond it, which is where a layer has few inputs, the first steps are too long. Of 40,000
#   starts of the loop in the README ("Coming from micrograd") 59% reach a loss under 0.5 in 20
#   steps, 26% without it, and 49% with "uniform".
WIDEST = 0.9
INITS: Mapping[str, Callable[[int, int], float]] = {
    "he": lambda n_in, n_out: math.sqrt(6 / n_in),
    "xavier": lambda n_in, n_out: math.sqrt(6 / (n_in + n_out)),
    "uniform": lambda n_in, n_out: 1.0,
}


def bound(activation: str, init: str | None, n_in: int, n_out: int) -> float:
    """The bound of the first weights, which are drawn from (-bound, bound).

    Arguments:
        init: a name in `INITS`. None for the one that suits the activation, up to `WIDEST`.

    >>> bound("relu", None, 24, 16), bound("tanh", None, 6, 18), bound("tanh", "uniform", 6, 18)
    (0.5, 0.5, 1.0)
    """
    suited = pick(ACTIVATIONS, activation, "activation").init
    if init is None:
        return min(INITS[suited](n_in, n_out), WIDEST)
    return pick(INITS, init, "initialisation")(n_in, n_out)
