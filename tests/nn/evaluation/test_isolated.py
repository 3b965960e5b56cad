"""Calls that leave no mark: whatever they set is as it was, and whether they drew is told."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import Value
from nn import BatchNorm, Module
from nn.evaluation.isolation import isolated

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

SOURCES: dict[str, Callable[[], Any]] = {
    "random.Random": lambda: random.Random(3),
    "Generator": lambda: np.random.default_rng(3),
    "RandomState": lambda: np.random.RandomState(3),
}


class Holding(Module):
    """A part of one's own beside a parameter, and a part inside."""

    def __init__(self, rng: Any = None) -> None:
        self.w, self.rng, self.calls = Value(1.0), rng, 0
        self.inside = [BatchNorm(1)]


def draw(source: Any) -> float:
    return float(source.random() if hasattr(source, "random") else source.random_sample())


@pytest.mark.parametrize("kind", SOURCES)
def test_a_generator_goes_on_from_where_it_was(kind: str) -> None:
    model = Holding(SOURCES[kind]())
    wanted = draw(SOURCES[kind]())
    for _ in range(2):
        with isolated(model) as drew:
            assert not drew()
            assert draw(model.rng) == wanted
            assert drew()
            draw(model.rng)
    assert draw(model.rng) == wanted


@pytest.mark.parametrize("source", [random, np.random], ids=["random", "numpy"])
def test_the_generators_of_modules_go_on_from_where_they_were(source: Any) -> None:
    source.seed(5)
    wanted = source.random()
    source.seed(5)
    with isolated(Module()) as drew:
        assert not drew()
        assert source.random() == wanted
        assert drew()
    assert source.random() == wanted


def test_a_generator_of_a_loss_or_around_it_goes_on_too() -> None:
    around, own, method = random.Random(1), random.Random(2), random.Random(3)

    def loss(outputs: Any, targets: Any) -> float:
        return around.random()

    class Loss:
        def __init__(self, rng: Any) -> None:
            self.rng = rng

        def __call__(self, outputs: Any, targets: Any) -> Any:
            return self.rng.random()

    for given, rng, seed in (
        (loss, around, 1),
        (Loss(own), own, 2),
        (Loss(method).__call__, method, 3),
    ):
        with isolated(Module(), given) as drew:
            given(0, 0)
            assert drew()
        assert rng.random() == random.Random(seed).random()


def test_the_systems_randomness_is_let_be() -> None:
    model = Holding(random.SystemRandom())
    with isolated(model) as drew:
        model.rng.random()
        assert not drew()


def test_attributes_and_numbers_are_as_they_were() -> None:
    model = Holding()
    inside: Any = model.inside[0]
    before = [p.data for p in model.parameters(True)]
    for error in (None, ValueError):
        try:
            with isolated(model):
                model.calls, model.more = 7, 3
                del model.rng
                inside.seen = 5
                for parameter in model.parameters(True):
                    parameter.data = 9.0
                if error:
                    raise error
        except ValueError:
            pass
        assert (model.calls, model.rng, hasattr(model, "more")) == (0, None, False)
        assert not hasattr(inside, "seen")
        assert [p.data for p in model.parameters(True)] == before


def test_variables_around_a_loss_are_as_they_were() -> None:
    calls, names = 0, ["a"]

    def loss(outputs: Any, targets: Any) -> Any:
        nonlocal calls, names
        calls, names = calls + 1, []
        vars(loss)["seen"] = True
        return later if calls > 5 else None  # which has no value yet

    with isolated(Module(), loss):
        loss(0, 0)
        assert (calls, names, vars(loss)) == (1, [], {"seen": True})
    assert (calls, names, hasattr(loss, "seen")) == (0, ["a"], False)
    if calls:
        later = 1
