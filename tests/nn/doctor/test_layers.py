"""What the doctor sees of a model's layers, and of the lines where things were made and set."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.source.origin import Place
from nn import MLP, Dropout, Layer, Module, Sequential
from nn.doctor import model_causes, symptoms
from nn.doctor.fit_causes import CAUSES
from nn.doctor.symptoms import argument, signals
from tests.nn.doctor.test_symptoms import stub

XS = [[0.5, -1.0], [2.0, 0.25], [-0.75, 0.0]]


class Beside(Module[Any]):
    """Two layers that do not feed each other."""

    def __init__(self) -> None:
        self.one, self.two = Layer(2, 1, "tanh", 1), Layer(2, 1, "tanh", 2)

    def __call__(self, x: Any) -> Any:
        return self.one(x) + self.two(x)


class Bent(Beside):
    """Two layers that feed each other, with something between them."""

    def __init__(self) -> None:
        self.one, self.two = Layer(2, 2, "tanh", 1), Layer(2, 1, "tanh", 2)

    def __call__(self, x: Any) -> Any:
        return self.two([u * u for u in self.one(x)])


def begun(model: Any, xs: Any = XS) -> Any:
    return stub(begun=SimpleNamespace(model=model, xs=xs))


def test_layers_are_those_of_a_model_that_is_a_row_of_them() -> None:
    model = MLP(2, [3, 2, 1], rng=1)
    assert begun(model).layers == begun(model).every == model.layers
    dropping = Sequential(Layer(2, 3, "relu", 1), Dropout(0.9, 1), Layer(3, 1, "linear", 1))
    assert begun(dropping).layers == begun(dropping).every == dropping.layers[::2]
    assert dropping.training
    assert begun(model, [[1.0], *XS]).layers == [], "the first sample does not suit it"
    assert begun(model, [*XS, [1.0]]).layers == model.layers
    for other in (Beside(), Bent()):
        assert begun(other).layers == []
        assert begun(other).every == [other.one, other.two]


def outputs(layers: Any, x: Any) -> list[list[float]]:
    found = []
    for layer in layers:
        made = layer(x)
        x = made if isinstance(made, list) else [made]
        found.append([u.data for u in x])
    return found


@pytest.mark.parametrize("widths", [[1], [3], [3, 2], [1, 4, 2]])
def test_signals_are_what_each_unit_gives_for_each_sample(widths: list[int]) -> None:
    model = MLP(2, widths, "tanh", rng=1)
    wanted = [outputs(model.layers, x) for x in XS]
    found = signals(model, model.layers, XS)
    assert [len(layer) for layer in found] == widths
    for k, layer in enumerate(found):
        for j, unit in enumerate(layer):
            assert unit == pytest.approx([row[k][j] for row in wanted])
    made = begun(model, XS * 30)
    assert made.units == [[(unit * 30)[:64] for unit in layer] for layer in found]


# --- lines ---------------------------------------------------------------------------------------
CALLS = """\
a = make(
    lr=1,
    other=2,
)
b = outer(inner(
    lr=3),
    lr=4, more=5)
lr = 6
"""


@pytest.mark.parametrize(
    ("line", "name", "found"),
    [(1, "lr", 2), (3, "lr", 2), (4, "other", 3), (1, "more", 1), (5, "more", 7), (5, "lr", 7),
     (6, "lr", 7), (7, "lr", 7), (8, "lr", 8), (9, "lr", 9), (4, "", 4)],
)  # fmt: skip
def test_the_line_of_an_argument_is_found(line: int, name: str, found: int, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(CALLS, encoding="utf-8")
    assert argument(Place(str(path), line), name) == Place(str(path), found)


def test_an_optimiser_that_fit_has_made_stands_where_fit_was_called(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("fit(\n    lr=1,\n)\nSGD(\n    lr=2)\n", encoding="utf-8")
    start = SimpleNamespace(place=Place(str(path), 1))
    assert stub(start=start).at("lr").line == 2
    for place, line in ((Place(str(path), 1), 2), (Place(str(path), 4), 5)):
        task = SimpleNamespace(optimizer=SimpleNamespace(place=place))
        assert stub(start=start, task=task).made("lr") == Place(str(path), line)
    other = Place("elsewhere", 1)
    task = SimpleNamespace(optimizer=SimpleNamespace(place=other))
    assert stub(start=start, task=task).made("lr") == other


@pytest.mark.parametrize(
    ("changes", "chosen", "at"),
    [
        ([5, 6, 7, 8], [0, 1], 6),
        ([5, 6, 7, 8], [2, 0, 3], 8),
        ([9, 6, 7, 8], [0, 1, 2, 3], 9),
        ([5, 5, 7, 8], [0, 1], None),  # drawn at once, when it was made
        ([5, 5, 7, 8], [1, 2], 7),
        ([5, 6, 5, 8], [0, 2, 3], None),
        ([5, 6, 7, 8], [3], None),
    ],
)
def test_parameters_were_set_where_each_was_changed_by_itself(
    changes: list[int], chosen: list[int], at: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Layer(3, 1, "linear", 1)
    parameters = layer.parameters()
    monkeypatch.setattr(
        symptoms, "changed_at", lambda epoch: SimpleNamespace(place=Place("set", epoch))
    )
    copied = SimpleNamespace(model=layer, optimizer=SimpleNamespace(params=parameters[::-1]))
    made = stub(begun=copied, start=SimpleNamespace(changes=changes))
    place = Place("set", at) if at else None
    assert made.set_at([parameters[i] for i in chosen]) == place
    monkeypatch.setattr(symptoms, "changed_at", lambda epoch: None)
    assert made.set_at([parameters[i] for i in chosen]) is None


# --- first weights -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("size", "name"),
    [
        (10.0, ""),
        (10.1, "init_too_large"),
        (0.4, ""),
        (0.39, "init_too_small"),
        (2.0, ""),
        (0.0, ""),
    ],
)
def test_first_weights_are_odd_beyond_five_times_of_what_suits_them(
    size: float, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_causes, "bound", lambda *given: math.sqrt(3.0))
    layer = Layer(1, 4, "tanh", 1)  # one weight of four makes half of its size in the mean
    for i, neuron in enumerate(layer.neurons):
        neuron.w[0].data = size * (i == 2)
    facts: Any = SimpleNamespace(every=[layer], set_at=lambda values: None)
    for odd in ("init_too_large", "init_too_small"):
        causes = [each.cause for each in CAUSES[odd](facts)]
        assert len(causes) == (odd == name)
        for cause in causes:
            assert f"{size / 2:.4g} in the mean, {size / 2:.3g} times what" in cause.seen
