"""Typos in the names of options and of rows are answered by what was meant."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import nn
from engine import Program, Value, inputs, numeric_mode
from engine.drawing import draw, to_svg, tree

X = Value(2.0, "x")
ROWS = [[0.0], [1.0]], [0.0, 1.0]


def program() -> Any:
    (x,) = inputs("x")
    return Program([x], [x * 2.0], reduce="meen")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: draw(X, direction="lr"), "LR"),
        (lambda: draw(X).pipe("svgg"), "svg"),
        (lambda: numeric_mode("IEEE"), "ieee"),  # type: ignore[arg-type]
        (program, "mean"),
        (lambda: nn.MLP(1, [1], activation="rellu"), "relu"),
        (lambda: nn.MLP(1, [1], init="xaver"), "xavier"),
        (lambda: nn.fit(nn.Neuron(1), *ROWS, loss="mes"), "mse"),
        (lambda: nn.fit(nn.Neuron(1), *ROWS, loss="mse", optimizer="Adma"), "adam"),
        (lambda: nn.fit(nn.Neuron(1), *ROWS, loss="mse", backend="natve"), "native"),
        (lambda: nn.fit(nn.Neuron(1), *ROWS, loss="mse", metrics=["acuracy"]), "accuracy"),
    ],
)
def test_a_name_of_a_row(call: Callable[[], Any], meant: str) -> None:
    with pytest.raises(ValueError, match=f"^unknown .* did you mean '{meant}'"):
        call()


@pytest.mark.parametrize(
    ("call", "who", "meant"),
    [
        (lambda: draw(X, collaps=1), "draw", "collapse"),
        (lambda: to_svg(X, directoin="TB"), "draw", "direction"),
        (lambda: X.to_png(dept=1), "draw", "depth"),
        (lambda: tree(X, line=3), "tree", "lines"),
        (lambda: nn.fit(nn.Neuron(1), *ROWS, loss="mse", epoch=3), "fit", "epochs"),
        (lambda: nn.MLP(1, [1], activaton="tanh"), "MLP.__init__", "activation"),
        (lambda: nn.Adam([X], beta=0.9), "Adam.__init__", "betas"),
        (lambda: nn.SGD([X], momentm=0.9), "SGD.__init__", "momentum"),
    ],
)
def test_the_name_of_an_option(call: Callable[[], Any], who: str, meant: str) -> None:
    said = f"{who}() got an unexpected keyword argument "
    with pytest.raises(TypeError, match=f"^{re.escape(said)}'.*'. Did you mean '{meant}'\\?$"):
        call()


def test_an_option_that_is_like_none_is_python_s_own_error() -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'zzz'$"):
        draw(X, zzz=1)  # type: ignore[call-arg]
