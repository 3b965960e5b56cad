"""What the doctor reads in the source of a loop: repeated lists, rates by hand, and calls."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import nn
from engine import Value
from engine.core.origins import place_of
from engine.explain.report import Cause
from engine.source.origin import Place
from nn import SGD, Dropout, Layer, Sequential
from nn.doctor import loops
from nn.doctor.loop_layers import inputs
from tests.nn.doctor.loop_edges import Held, of, rows
from tests.nn.doctor.loop_grids import CAUSES, dropping, model
from tests.nn.doctor.loop_steps import having, leaves, steps

HERE = "  # HERE"


def written(folder: Path, text: str) -> tuple[list[Any], Place | None]:
    """Sweeps in a file with this text, and the line of it that is marked."""
    path = folder / "train.py"
    path.write_text(text, encoding="utf-8")
    marked = [i for i, line in enumerate(text.splitlines(), 1) if line.endswith(HERE)]
    places = Place("earlier", 1), Place(str(path), 2)
    sweeps = [SimpleNamespace(epoch=5, place=place) for place in places]
    return sweeps, Place(str(path), marked[0]) if marked else None


def found(name: str, facts: Any) -> list[Cause]:
    return [*CAUSES[name](facts)]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """The optimisers that live, which are those of the test."""
    live: dict[int, Any] = {}
    monkeypatch.setattr(loops, "LIVE", live)
    return live


@pytest.mark.parametrize(
    "text",
    [
        f"a = 3 * 4\nb = [a] * 4{HERE}\nc = [a] * 5\n",
        f"a = [1] + [2]\nb = a[0] * 3\nc = a[:1] * 3{HERE}\n",
        f"\n\nlayers = net.layers[0:1] * 2{HERE}\n",
        "a = (1,) * 2\nb = a[:1] + a\nc = 2 * [a]\nd = a[0] * 2\n",
        "",
    ],
)
def test_a_line_that_repeats_a_list_is_found(text: str, tmp_path: Path) -> None:
    sweeps, place = written(tmp_path, text)
    layer = Layer(2, 2, "tanh", 1)
    layer.neurons = layer.neurons[:1] * 2
    (cause,) = found("shared_weights", of(Sequential(layer), sweeps=sweeps))
    assert cause.title == "layers.0.neurons holds one Neuron 2 times"
    assert cause.place == (place or layer.place)


BY_HAND = [
    (f"for p in q:\n    p.data -= 0.5 * p.grad{HERE}", [0.5], ["p.data -= 0.3 * p.grad"]),
    (f"\np.data -= p.grad * 2{HERE}", [2.0], ["p.data -= p.grad * 0.3"]),
    (f"\np.data += -0.5 * p.grad * 0.5{HERE}", [0.5], ["p.data += -0.3 * p.grad * 0.5"]),
    ("p.data -= lr * p.grad", [], []),
    ("p.data -= 0.5 * p.step", [], []),
    ("p.value -= 0.5 * p.grad", [], []),
    ("data -= 0.5 * p.grad", [], []),
    ("p.data = p.data - 0.5 * p.grad", [], []),
    (
        f"p.data -= 0.25 * p.grad{HERE}\nq.data -= 4 * q.grad",
        [0.25, 4.0],
        ["p.data -= 0.3 * p.grad", "q.data -= 0.3 * q.grad"],
    ),
]


@pytest.mark.parametrize(("text", "lrs", "shown"), BY_HAND)
def test_rates_are_read_where_parameters_are_set_by_hand(
    text: str, lrs: list[float], shown: list[str], tmp_path: Path, alone: dict[int, Any]
) -> None:
    sweeps, place = written(tmp_path, text)
    facts, _ = steps(own=leaves(9), sweeps=sweeps)
    rates = [*loops._rates(facts)]
    assert [rate.lr for rate in rates] == lrs
    assert [rate.usual for rate in rates] == [0.1] * len(lrs)
    assert [rate.text.format(0.3) for rate in rates] == shown
    assert [rate.place for rate in rates[:1]] == [place] * bool(lrs)
    facts.sweeps = []
    assert [*loops._rates(facts)] == []
    facts.sweeps, alone[0] = sweeps, having(SGD, facts.own, 8, lr=7.0)
    assert [(rate.lr, rate.place) for rate in loops._rates(facts)] == [(7.0, Place("made", 8))]


def test_what_freezes_parameters_is_found(tmp_path: Path, alone: dict[int, Any]) -> None:
    text = f"\nnet.requires_grad(False)\nnet.requires_grad_(False){HERE}\na.requires_grad_(False)\n"
    sweeps, place = written(tmp_path, text)
    learns, still = leaves(9, 5)
    alone[0] = having(SGD, [learns], 3)
    for trainable, at in (([learns], place), ([learns, still], Place("made", 3))):
        whole = SimpleNamespace(trainable_parameters=lambda known=trainable: known)
        facts, _ = steps(own=[learns, still], sweeps=sweeps, model=whole)
        (cause,) = found("frozen_layer", facts)
        assert cause.place == at


AFTER = "net = make()\noptimizer = Adam(net.parameters())\nfor x in xs:\n    net(x)\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{AFTER}net(3){HERE}\nnet(4)\n", 5),
        (f"{AFTER}other(3)\nprint(net(4)){HERE}\n", 6),
        (AFTER, None),
        (f"{AFTER}net.eval()\nnet(3)\n", None),
        (f"{AFTER}net.train(False)\nnet(3)\n", None),
        (f"{AFTER.replace('net.parameters()', 'ps')}net(3)\n", None),
        (f"a.net = 3\n{AFTER.replace('Adam(net', 'Adam(a.net')}net(3)\n", None),
    ],
)
def test_a_call_after_the_loop_in_training_mode_is_named(
    text: str, line: int | None, tmp_path: Path
) -> None:
    sweeps, place = written(tmp_path, text)
    around: dict[str, Any] = {"sweeps": sweeps}
    around["loops"] = [SimpleNamespace(end_lineno=4), SimpleNamespace(end_lineno=99)]
    causes = found("dropout_at_evaluation", rows(dropping(0.5), **around))
    assert [cause.place for cause in causes] == [place] * (line is not None)
    for cause in causes:
        assert cause.title == "dropout is on where the model is evaluated"
        assert f"the model is called at line {line}, and it is in training mode" in cause.seen
    assert not found("dropout_at_evaluation", rows(dropping(0.5), **around | {"loops": []}))
    assert not found("dropout_at_evaluation", rows(dropping(0.0), **around))
    assert not found("dropout_at_evaluation", rows(dropping(0.5).eval(), **around))
    assert not found("dropout_at_evaluation", rows(model(), **around))
    some = Sequential(Dropout(0.0, 1), Layer(2, 2, "tanh", 1), Dropout(0.5, 1), Dropout(0.5, 1))
    some.layers[2].eval()
    assert len(found("dropout_at_evaluation", of(some, **around))) == (line is not None)


def test_a_loop_without_an_end_is_over_at_once(tmp_path: Path) -> None:
    sweeps, place = written(tmp_path, f"net(net.parameters()){HERE}\n")
    around: dict[str, Any] = {"sweeps": sweeps, "loops": [SimpleNamespace(end_lineno=None)]}
    (cause,) = found("dropout_at_evaluation", rows(dropping(0.5), **around))
    assert cause.place == place


def test_the_file_of_a_loop_is_that_of_its_last_step_or_of_its_model() -> None:
    made = [Layer(2, 2, "tanh", 1), Layer(2, 1, "tanh", 1)]
    made[0].place, made[1].place = Place("first", 1), Place("second", 2)
    plain = Held(unplaced=Value(1.0), layers=made)
    sweeps = [SimpleNamespace(epoch=1, place=Place(name, 1)) for name in ("early", "late")]
    assert loops.file_of(of(plain, sweeps=sweeps)) == "late"
    assert loops.file_of(of(plain, sweeps=[])) == "first"
    assert loops.file_of(of(Held(only=Value(1.0)), sweeps=[])).endswith("loop_grids.py")


def test_optimisers_of_a_model_have_some_of_its_parameters(alone: dict[int, Any]) -> None:
    a, b, c = leaves(1, 1, 1)
    alone.update(enumerate([having(SGD, each) for each in ([a], [c], [c, b], [])]))
    facts, _ = steps(own=[a, b])
    assert loops.optimizers(facts) == [alone[0], alone[2]]


# --- the rows that go into the first layer -------------------------------------------------------
XS = [[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]]


def test_the_rows_of_the_first_layer_are_those_of_its_first_unit() -> None:
    net = model()
    found = inputs(of(net, nn.mse_loss([net(x) for x in XS], [1.0, 2.0, 3.0])))
    assert sorted(found) == sorted(map(tuple, XS))
    first = Layer(2, 2, "linear", 1)
    one, two = first.neurons
    assert inputs(of(first, one(XS[0]) + two(XS[1]))) == [(1.0, 2.0)]
    assert inputs(of(first, two(XS[1]))) == []


def test_there_are_no_rows_where_something_else_goes_into_the_first_layer() -> None:
    net, x, a, b = model(), Value(2.0), Value(7.0), Value(1.0)
    plain: list[Value | float] = [x, 3.0]
    bent: list[Value | float] = [x * 2.0, 3.0]
    assert inputs(of(net, net(plain))) == [(2.0, 3.0)]
    assert inputs(of(net, net(bent))) == []
    assert inputs(of(net, net(plain) + net(bent))) == []
    held = Held(a=a, b=b, net=net)
    assert inputs(of(held, net([a, 3.0]))) == [(3.0,)]
    assert inputs(of(held, net([a, b]))) == []
    assert inputs(of(held, net([a, b]) + net(plain))) == []
    assert inputs(of(held, a * 2.0)) == []
    assert inputs(of(Held(w=x), x * 2.0)) == []


def test_an_output_is_blamed_where_the_first_one_was_made() -> None:
    w = Value(1.0, "w")
    one = w.tanh()
    two = w.tanh()
    (cause,) = found("activation_on_output", of(Held(w=w), nn.mse_loss([one, two], [3.0, 4.0])))
    places = [origin.place for each in (one, two) if (origin := place_of(each))]
    assert cause.place in places
    assert places[0] != places[1]
    facts = of(Held(w=w), nn.mse_loss([one, two], [3.0, 4.0]))
    assert cause.place == facts.line(facts.pairs[0][0])


def test_a_penalty_that_is_added_twice_is_blamed_where_it_went_in_last() -> None:
    w, x = Value(1.0, "w"), Value(2.0, "x")
    penalty, once = 3.0 * (w * w), (w * x - Value(1.0)) ** 2
    first = once + penalty
    second = first + penalty
    origins = [place_of(each) for each in (first, second)]
    lines = [origin and origin.place for origin in origins]
    (cause,) = found("penalty_too_strong", of(Held(w=w), second * 2.0))
    assert cause.place in lines
    assert lines.index(cause.place) == 1
