"""The data of a page: how a model of two inputs divides the plane, against a plain loop."""

import base64
import math
from array import array
from typing import Any

import numpy as np
import pytest

from engine import NumericError, Value
from nn import MLP, Layer, Module, Neuron, predict
from nn.player import to_html, training_page
from nn.player.training_page import regions
from tests.nn.player.recorded import data, history, recording

POINTS = [(0.0, 1.0), (2.0, -1.0), (-0.5, 0.25), (1.0, 3.0)]
SIDE = 5


@pytest.fixture(autouse=True)
def few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_page, "CELLS", SIDE)


def answers(model: Any, snapshot: Any, window: Any) -> list[list[float]]:
    """What a model with these parameters gives in the middle of each cell, from the top left."""
    (left, bottom), (right, top) = window
    for parameter, x in zip(model.parameters(), snapshot, strict=True):
        parameter.data = x
    across = [left + (right - left) * (i + 0.5) / SIDE for i in range(SIDE)]
    down = [top - (top - bottom) * (i + 0.5) / SIDE for i in range(SIDE)]
    return [np.ravel(predict(model, [(x, y)])).tolist() for y in down for x in across]


def shares(model: Any, outputs: list[float]) -> list[float]:
    """How sure it is of each class, written down once more."""
    last = getattr(model, "output", getattr(model, "activation", None))
    if last == "softmax":
        return outputs
    if len(outputs) == 1:
        yes = outputs[0] if last == "sigmoid" else 1 / (1 + math.exp(-outputs[0]))
        return [1 - yes, yes]
    powers = np.exp(np.array(outputs))
    return [*map(float, powers / powers.sum())]


def bytes_of(found: Any) -> list[tuple[int, int]]:
    grid = base64.b64decode(found["grid"])
    return [*zip(grid[::2], grid[1::2], strict=True)]


CLASSIFIERS: list[tuple[Any, list[Any]]] = [
    (Neuron(2, "sigmoid", rng=1), [0, 1, 1, 0]),
    (Neuron(2, "tanh", rng=1), [-1, 1, 1, -1]),
    (MLP(2, [4, 1], "tanh", rng=1), [True, False, True, True]),
    (MLP(2, [3, 2], "tanh", rng=1), [0, 1, 0, 0]),
    (MLP(2, [3, 3], "relu", output="softmax", rng=1), [0, 1, 2, 0]),
    (Layer(2, 5, "linear", rng=1), [4, 1, [0, 0, 0.5, 0.4, 0.1], 0]),
]


@pytest.mark.parametrize(("model", "ys"), CLASSIFIERS, ids=range(len(CLASSIFIERS)))
def test_a_cell_has_its_class_and_how_sure_the_model_is(model: Any, ys: list[Any]) -> None:
    made = recording(model, [*zip(POINTS, ys, strict=True)], 4)
    found: Any = regions(made, [0, 3], [], [])
    numbers = [x for e in (0, 3) for x in answers(model, made.snapshots[e], found["window"])]
    wanted = []
    for outputs in numbers:
        sure = shares(model, outputs)
        best = int(np.argmax(sure))
        even = 1 / len(sure)
        wanted.append((best, 255 * (sure[best] - even) / (1 - even)))
    cells = bytes_of(found)
    assert len(cells) == 2 * SIDE**2
    assert [best for best, _ in cells] == [best for best, _ in wanted]
    for (_, level), (_, exact) in zip(cells, wanted, strict=True):
        assert abs(level - exact) <= 0.5 + 1e-6
    kinds = max(2, len(numbers[0]))
    assert (found["kinds"], found["cells"]) == (kinds, SIDE)
    classes = [int(np.argmax(y)) if isinstance(y, list) else max(int(y), 0) for y in ys]
    assert found["points"] == [[*p, y] for p, y in zip(POINTS, classes, strict=True)]
    firsts = [outputs[0] for outputs in numbers]
    assert (found["low"], found["high"]) == pytest.approx((min(firsts), max(firsts)))


@pytest.mark.parametrize(
    "ys", [[0.5, 1.5, -1.0, 2.0], [9.0, 1.0, 2.0, 3.0], [0.0, -80.0, 1.0, 2.0], [0.0, 0.5, 0.1, 0]]
)
def test_a_cell_of_a_regression_has_its_height(ys: list[float]) -> None:
    model = MLP(2, [3, 1], "tanh", rng=1)
    made = recording(model, [*zip(POINTS, ys, strict=True)], 4)
    found: Any = regions(made, [1, 2, 4], [], [])
    numbers = [x for e in (1, 2, 4) for x in answers(model, made.snapshots[e], found["window"])]
    heights = [height for (height,) in numbers]
    low, high = min(*heights, *ys), max(*heights, *ys)
    assert (found["low"], found["high"], found["kinds"]) == (pytest.approx(low), high, 0)
    assert found["classes"] == []
    assert found["points"] == [[*p, y] for p, y in zip(POINTS, ys, strict=True)]
    for (first, level), height in zip(bytes_of(found), heights, strict=True):
        assert first == 0
        assert abs(level - 255 * (height - low) / (high - low)) <= 0.5 + 1e-6
    assert len(bytes_of(found)) == 3 * SIDE**2


def test_a_regression_that_answers_one_number_is_of_a_middle_height() -> None:
    made = recording(Neuron(2, "linear", rng=1), [((0.0, 1.0), 2.5)], 0)
    made.snapshots[0][:] = array("d", [0.0, 0.0, 2.5])
    found: Any = regions(made, [0], [], [])
    assert {*bytes_of(found)} == {(0, 128)}
    assert (found["low"], found["high"]) == (2.5, 2.5)


def test_the_ends_of_the_scale_are_0_and_255() -> None:
    made = recording(Neuron(2, "linear", rng=1), [*zip(POINTS, [0.5] * 4, strict=True)], 0)
    made.snapshots[0][:] = array("d", [1.0, 0.0, 0.0])
    levels = {level for _, level in bytes_of(regions(made, [0], [], []))}
    assert (min(levels), max(levels), len(levels)) == (0, 255, SIDE)
    sure = recording(Neuron(2, "sigmoid", rng=1), [*zip(POINTS, [0, 1, 1, 0], strict=True)], 0)
    sure.snapshots[0][:] = array("d", [0.0, 0.0, 800.0])
    assert {*bytes_of(regions(sure, [0], [], []))} == {(1, 255)}
    sure.snapshots[0][:] = array("d", [0.0, 0.0, 0.0])
    assert {*bytes_of(regions(sure, [0], [], []))} == {(0, 0)}


@pytest.mark.parametrize("outputs", [2, 254, 255, 256, 257, 300])
def test_a_byte_holds_the_number_of_a_class_up_to_254(outputs: int) -> None:
    made = recording(Layer(2, outputs, "linear", rng=1), [((0.0, 1.0), 0)], 0)
    numbers = [0.0] * (3 * outputs)
    numbers[-1] = 800.0  # the bias of the last
    made.snapshots[0][:] = array("d", numbers)
    found: Any = regions(made, [0], [], [])
    assert {*bytes_of(found)} == {(min(outputs - 1, 254), 255)}
    assert found["classes"] == [f"class {k}" for k in range(outputs)]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("ys", [[0, 1, 1, 0], [0.5, 1.5, 2.5, 3.5]])
def test_answers_that_are_not_finite_are_told_apart(odd: float, ys: list[float]) -> None:
    made = recording(Neuron(2, "linear", rng=1), [*zip(POINTS, ys, strict=True)], 1)
    made.snapshots[1][2] = odd
    found = data(to_html(history(made)))["regions"]
    cells = bytes_of(found)
    assert {first for first, _ in cells[: SIDE**2]} <= {0, 1}
    assert {*cells[SIDE**2 :]} == {(255, 0)}
    finite = answers(made.model, made.snapshots[0], found["window"])
    heights = [x for (x,) in finite] + (ys if not found["kinds"] else [])
    assert (found["low"], found["high"]) == pytest.approx((min(heights), max(heights)))
    made.snapshots[0][2] = odd
    found = data(to_html(history(made)))["regions"]
    ends = (0.0, 1.0) if found["kinds"] else (0.5, 3.5)
    assert (found["low"], found["high"]) == ends


def test_one_output_of_several_that_is_not_finite_is_enough() -> None:
    made = recording(Layer(2, 3, "linear", rng=1), [(POINTS[0], 2)], 0)
    made.snapshots[0][5] = math.inf
    assert {*bytes_of(data(to_html(history(made)))["regions"])} == {(255, 0)}


@pytest.mark.parametrize("many", [1, 499, 500, 501, 700])
def test_samples_are_drawn_up_to_a_number(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_page, "CELLS", 1)
    rows = [((i / 8, 1.0), i % 2) for i in range(many)]
    found: Any = regions(recording(Neuron(2, "tanh", rng=1), rows, 0), [0], [], [])
    assert found["samples"] == many
    assert found["points"] == [[*p, y] for p, y in rows[:500]]


@pytest.mark.parametrize("given", [0, 1, 2, 3, 4])
def test_names_are_used_if_there_is_one_for_each(given: int) -> None:
    names = [*"abcd"][:given]
    for model, ys in CLASSIFIERS[0], CLASSIFIERS[4]:
        made = recording(model, [*zip(POINTS, ys, strict=True)], 0)
        found: Any = regions(made, [0], names, names)
        assert found["features"] == (names if given == 2 else ["x0", "x1"])
        kinds = found["kinds"]
        plain = [f"class {k}" for k in range(kinds)]
        assert found["classes"] == (names if given == kinds else plain)


@pytest.mark.parametrize(
    ("inputs", "point"),
    [(1, (0.0,)), (3, (0.0, 1.0, 2.0)), (2, (0.0, math.nan)), (2, (math.inf, 0.0))],
)
def test_a_sample_that_is_no_point_of_a_plane_leaves_none(inputs: int, point: Any) -> None:
    model = Neuron(inputs, "tanh", rng=1)
    assert regions(recording(model, [((0.0,) * inputs, 0), (point, 1)]), [0], [], []) is None


@pytest.mark.parametrize(
    ("outputs", "target"), [(1, math.nan), (1, math.inf), (3, 3), (3, -1), (3, 0.5), (3, "one")]
)
def test_targets_that_have_no_place_in_a_plane_leave_none(outputs: int, target: Any) -> None:
    model = Layer(2, outputs, "linear", rng=1)
    rows = [(POINTS[0], 0), (POINTS[1], target), (POINTS[2], 0)]
    assert regions(recording(model, rows), [0], [], []) is None


class Boastful(Module):
    """It calls its outputs shares, which they are not."""

    output = "softmax"

    def __init__(self, *outputs: float) -> None:
        self.w = [Value(x) for x in outputs]

    def __call__(self, x: Any) -> Any:
        return [w + 0.0 * x[0] for w in self.w]


@pytest.mark.parametrize(
    ("outputs", "cell"),
    [
        ((0.5, 0.5), (0, 0)),
        ((0.0, 0.75), (1, 128)),
        ((3.0, 5.0), (1, 255)),
        ((1.001, 0.0), (0, 255)),
        ((-3.0, -2.0), (1, 0)),
        ((0.4, 0.3), (0, 0)),
    ],
)
def test_how_sure_a_model_is_stays_between_0_and_255(
    outputs: tuple[float, ...], cell: tuple[int, int]
) -> None:
    made = recording(Boastful(*outputs), [(POINTS[0], 0)], 0)
    made.snapshots[0][:] = array("d", outputs)
    assert {*bytes_of(regions(made, [0], [], []))} == {cell}


class Broken(Module):
    """It breaks off where its parameter is above 0."""

    def __init__(self) -> None:
        self.w = Value(-0.5, "w")

    def __call__(self, x: Any) -> Any:
        if self.w.data > 0:
            raise ZeroDivisionError("above 0")
        return x[0] * self.w


def test_the_model_has_its_numbers_again_whatever_happens() -> None:
    made = recording(Broken(), [*zip(POINTS, [0, 1, 1, 0], strict=True)], 1)
    made.snapshots[0][0], made.snapshots[1][0] = -2.0, -3.0
    assert data(to_html(history(made)))["network"] is None
    assert made.parameters[0].data == -0.5
    made.snapshots[1][0] = 3.0
    with pytest.raises(ZeroDivisionError, match="above 0"):
        to_html(history(made))
    assert made.parameters[0].data == -0.5
    with pytest.raises(NumericError):
        Value(-1.0).log()  # as strict as before
