"""What pictures of the plane know of samples, classes and shares: by plain loops."""

import itertools
import math
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nn import MLP, Layer, Module, Neuron
from nn.evaluation.plane import classes, in_plane, largest, last_activation, row, shares, window


def test_a_sample_is_a_row_of_floats() -> None:
    for given, wanted in (
        ([], []), (3, [3.0]), ([1], [1.0]), ((1, 2.5), [1.0, 2.5]), (np.arange(3), [0.0, 1.0, 2.0]),
    ):  # fmt: skip
        assert row(given) == wanted
        assert {type(x) for x in row(given)} <= {float}
    first, second = row(["a", 2])
    assert (math.isnan(first), second) == (True, 2.0)


def test_two_finite_numbers_are_in_the_plane() -> None:
    for n in range(4):
        assert in_plane([1.0, -1e308, 0.0][:n]) == (n == 2)
        for bad in (math.nan, math.inf, -math.inf):
            for k in range(n):
                point = [0.0] * n
                point[k] = bad
                assert not in_plane(point)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_largest_is_the_first_of_several(n: int) -> None:
    columns = [*itertools.product((-1.0, 0.0, 2.0), repeat=n)]
    for xs in columns:
        assert largest([*xs]) == largest(xs) == xs.index(max(xs))
    array = np.array(columns).T
    assert largest(array).tolist() == [xs.index(max(xs)) for xs in columns]


def test_the_last_activation_is_that_of_the_outputs() -> None:
    assert last_activation(MLP(2, [2, 1], "tanh", "sigmoid", rng=1)) == "sigmoid"
    assert last_activation(Layer(2, 2, "elu", rng=1)) == "elu"
    assert last_activation(Neuron(2, "silu", rng=1)) == "silu"
    assert last_activation(Module()) is last_activation(3) is None
    assert last_activation(SimpleNamespace(output="a", activation="b")) == "a"


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_one_output_has_two_classes_where_targets_are_signs_or_bits(n: int) -> None:
    for ys in itertools.product((-1, 0, 1, 0.5, 2), repeat=n):
        wanted: tuple[int, list[float]] = (0, [float(y) for y in ys])
        if {*ys} <= {0, 1} or {*ys} <= {-1, 1}:
            wanted = (2, [int(y == 1) for y in ys])
        forms: list[Any] = [[*ys], [[y] for y in ys], np.array(ys), np.array(ys).reshape(-1, 1)]
        for given in forms:
            found = classes("who", 1, given)
            assert found == wanted
            assert {type(y) for y in found[1]} <= {type(y) for y in wanted[1]}


def test_of_one_output_the_first_number_of_a_target_counts() -> None:
    assert classes("who", 1, [[1.0, 9.0], [0.0, 9.0]]) == (2, [1, 0])


@pytest.mark.parametrize("outputs", [2, 3])
def test_several_outputs_are_classes(outputs: int) -> None:
    numbers = [*range(outputs)]
    one_hot = np.eye(outputs)
    forms: list[Any] = [numbers, [float(k) for k in numbers], np.arange(outputs), one_hot]
    forms += [one_hot.tolist(), [tuple(x) for x in one_hot], [numbers[0], *one_hot[1:]]]
    for given in forms:
        found = classes("who", outputs, given)
        assert found == (outputs, numbers)
        assert {type(k) for k in found[1]} == {int}
    assert classes("who", outputs, [[0.5] * outputs, numbers]) == (outputs, [0, outputs - 1])
    assert classes("who", outputs, []) == (outputs, [])
    for wrong in (-1, outputs, 0.5, math.nan, "a"):
        text = f"who takes classes from 0 to {outputs - 1} for {outputs} outputs, got {wrong!r}; "
        with pytest.raises(ValueError, match=f"^{re.escape(text)}classes are counted from 0$"):
            classes("who", outputs, [0, wrong])


ONE, SEVERAL = [[0.0], [0.25], [-3.0], [800.0], [-800.0]], [[0.2, 0.8], [0.5, 0.5], [-2.0, 3.0]]
SCORES = [*ONE, *SEVERAL, [0.1, 0.3, 0.6], [1e3, -1e3, 0.0]]


@pytest.mark.parametrize("last", ["linear", "sigmoid", "softmax", "relu", None])
@pytest.mark.parametrize("outputs", SCORES)
def test_shares_sum_to_1(outputs: list[float], last: Any) -> None:
    found = shares(outputs, last)
    if len(outputs) == 1 and last == "sigmoid":
        assert found == [1 - outputs[0], outputs[0]]
    elif len(outputs) > 1 and last == "softmax":
        assert found == outputs
    else:
        scores = outputs if len(outputs) > 1 else [0.0, *outputs]
        powers = np.exp(np.array(scores) - max(scores))
        assert found == pytest.approx((powers / powers.sum()).tolist(), rel=1e-14)


@pytest.mark.parametrize("low", [-3.0, -0.5, 0.0, 0.25, 1.0, 7.0])
@pytest.mark.parametrize("span", [0.0, 1e-3, 1.0, 5.0])
def test_a_window_has_room_around_its_samples(low: float, span: float) -> None:
    points = [(low, 2.0), (low + span, 2.0), (low + span / 2, 4.0)]
    (left, bottom), (right, top) = window(points)
    room = 0.12 * span or max(abs(low), 1.0) / 2
    room = 0.12 * ((low + span) - low) if span else room
    assert (left, right) == pytest.approx((low - room, low + span + room), rel=1e-14)
    assert (bottom, top) == pytest.approx((1.76, 4.24), rel=1e-14)
    assert window(points[:1]) == [(low - max(abs(low), 1.0) / 2, 1.0),
                                  (low + max(abs(low), 1.0) / 2, 3.0)]  # fmt: skip
    assert window([(-low, 1.0), (-low, 1.0)])[1][0] == -low + max(abs(low), 1.0) / 2
