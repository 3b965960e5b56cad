"""Options: a typo is answered by what was meant, and a switch is True or False."""

from collections.abc import Callable
from typing import Any

import pytest

import nn
from engine import Value
from engine.choices import spelled
from engine.drawing import draw, tree


@spelled
def every(
    *,
    switch: bool = False,
    maybe: bool | None = None,
    name: str | bool = "relu",
    change: Callable[[int], int] | None = None,
    sizes: tuple[int, ...] = (),
) -> tuple[Any, ...]:
    """Options of many types."""
    return switch, maybe, name, change, sizes


def test_only_switches_are_held_to_true_and_false() -> None:
    assert every(name="tanh", change=abs, sizes=(1, 2)) == (False, None, "tanh", abs, (1, 2))
    assert every(switch=True, maybe=False, name=False) == (True, False, False, None, ())
    for wrong in ({"switch": "no"}, {"switch": None}, {"maybe": "yes"}, {"maybe": 2}):
        with pytest.raises(TypeError, match=r"^(switch|maybe) is True or False, got "):
            every(**wrong)


@pytest.mark.parametrize(
    ("function", "option"),
    [(draw, "legend"), (draw, "grad"), (tree, "color")],
)
def test_a_word_is_no_switch(function: Callable[..., Any], option: str) -> None:
    with pytest.raises(TypeError, match=rf"{option} is True or False, got 'no'"):
        function(Value(1.0), **{option: "no"})


def test_fit_takes_no_word_for_a_switch_and_changes_nothing() -> None:
    model = nn.MLP(1, [1], rng=1)
    before = [p.data for p in model.parameters()]
    with pytest.raises(TypeError, match="progress is True or False, got 'maybe'"):
        nn.fit(model, [[1.0]], [[1.0]], loss="mse", progress="maybe")  # type: ignore[arg-type]
    assert [p.data for p in model.parameters()] == before
