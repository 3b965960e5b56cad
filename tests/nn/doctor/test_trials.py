"""The copies that the doctor trains: what they begin with, what they cost, how they are judged."""

import math
import random
import warnings
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest

import nn
from engine import NumericError
from nn import MLP, Adam, Dropout, History, Layer, Sequential, fit, losses
from nn.doctor import trials
from nn.doctor.trials import FAILED, Training, aside, chosen, class_of, classes_in
from nn.training.history import LAST


def trained(rows: int, **how: Any) -> History:
    """A training of so many rows: the sample i is [i, -i], its target i % 2."""
    xs = [[float(i), -float(i)] for i in range(rows)]
    usual: dict[str, Any] = {"loss": "mse", "epochs": 2, "seed": 1, "progress": False}
    usual["patience"] = None
    model = how.pop("model", None) or MLP(2, [2, 1], "tanh", rng=1)
    return fit(model, xs, [float(i % 2) for i in range(rows)], **usual | how)


def stub(rows: int = 6, params: int = 3, **how: Any) -> Training:
    """A training with so many rows to learn from, and nothing that can be trained."""
    given: dict[str, Any] = {"model": None, "xs": [], "ys": [], "loss": None, "epochs": 7}
    given |= {"optimizer": SimpleNamespace(params=[0.0] * params), "native": True}
    given |= {"learned": range(rows), "held": [], "settings": {"batch_size": None}}
    return Training(**given | how)


# --- what a copy begins with ---------------------------------------------------------------------
@pytest.mark.parametrize("rows", [1, 2, 11, 12, 13, 14, 40])
@pytest.mark.parametrize("fold", [0, 1, 5])
def test_a_third_of_the_rows_is_held_out_where_there_are_enough(rows: int, fold: int) -> None:
    copied = Training.of(trained(rows), fold)
    order = random.Random(fold).sample(range(rows), rows)
    many = rows // 3 if rows >= 12 else 0
    assert copied.held == sorted(order[:many] if many else order)
    assert copied.learned == sorted(order[many:])
    assert copied.xs == [[float(i), -float(i)] for i in range(rows)]
    assert copied.ys == [float(i % 2) for i in range(rows)]


def test_of_many_rows_some_are_chosen() -> None:
    copied = Training.of(trained(1501, sample_weight=[float(i + 1) for i in range(1501)]))
    some = chosen(1501, 1500)
    assert [x[0] for x in copied.xs] == [*map(float, some)]
    assert copied.settings["sample_weight"] == [i + 1.0 for i in some]
    assert len(copied.held) == 500
    assert len(copied.learned) == 1000


def test_a_copy_begins_as_the_training_did() -> None:
    model = Sequential(Layer(2, 3, "tanh", 1), Dropout(0.2, 1), Layer(3, 1, "linear", 2))
    begun = [p.data for p in model.parameters()]
    optimizer = Adam(model.parameters(), lr=0.25, weight_decay=0.5)
    history = trained(20, model=model, optimizer=optimizer, schedule=nn.cosine(2), epochs=2,
                      clip=3.0, batch_size=5)  # fmt: skip
    assert [p.data for p in model.parameters()] != begun
    optimizer.lr = 9.0
    copied = Training.of(history)
    own = copied.model.parameters()
    assert [p.data for p in own] == begun
    assert {*own}.isdisjoint(model.parameters())
    assert copied.optimizer.params == own
    assert (copied.optimizer.lr, copied.optimizer.steps) == (0.25, 0)
    assert [*copied.optimizer.memory] == [()] * len(own)
    assert vars(copied.optimizer)["weight_decay"] == 0.5
    assert optimizer.steps == 8
    assert copied.loss is losses.mse_loss
    given: Any = history.start
    assert copied.settings == {
        "batch_size": 5,
        "schedule": given.task.schedule,
        "clip": 3.0,
        "class_weights": None,
        "sample_weight": None,
    }


def test_a_copy_has_the_weights_of_classes_and_of_rows() -> None:
    how = {"loss": "binary_cross_entropy_with_logits", "class_weights": {0: 1.0, 1: 4.0}}
    weights = [i + 0.5 for i in range(12)]
    copied = Training.of(trained(12, **how, sample_weight=weights))
    assert copied.settings["class_weights"] == {0: 1.0, 1: 4.0}
    assert copied.settings["sample_weight"] == weights
    assert Training.of(trained(12, **how)).settings["sample_weight"] is None


def test_a_loss_may_have_parameters_that_the_model_has_not() -> None:
    model, extra = MLP(2, [2, 1], "tanh", rng=1), nn.Neuron(1, "linear", rng=1)
    both = [*model.parameters(), *extra.parameters()]
    begun = [p.data for p in both]

    def loss(outputs: Any, targets: Any) -> Any:
        return losses.mse_loss(outputs, targets) + extra.w[0] ** 2 + extra.b**2

    history = trained(12, model=model, loss=loss, optimizer=Adam(both, lr=0.1))
    assert [p.data for p in Training.of(history).optimizer.params] == begun


@pytest.mark.parametrize("backend", ["native", "eager"])
def test_a_copy_knows_who_trained_and_takes_no_more_epochs_than_it_can(backend: str) -> None:
    copied = Training.of(trained(12, backend=backend, epochs=3))
    assert (copied.native, copied.epochs) == (backend == "native", 3)
    history = trained(12, backend=backend, epochs=1)
    task: Any = history.start
    vars(task.task)["epochs"] = 10**6
    most = Training.of(history)
    assert most.epochs == most.affordable() == (6000 if backend == "native" else 30)


# --- what it costs -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "params", "size", "native", "eager"),
    [
        (100, 1, None, 6000, 30),
        (100, 1, 100, 6000, 30),
        (100, 1, 99, 3000, 15),
        (100, 1, 16, 857, 4),
        (100, 1, 1, 60, 1),
        (1000, 1000, None, 200, 1),
        (100_000, 0, None, 2000, 10),
        (100_000, 1, None, 2000, 10),
        (100_000, 2, None, 1000, 5),
        (1_000_000, 1000, None, 1, 1),
        (66_666_667, 1, None, 2, 1),  # three visits are one too many
        (1_000_000, 100, 10_000, 2, 1),
    ],
)
def test_epochs_are_as_many_as_visits_and_steps_allow(
    rows: int, params: int, size: int | None, native: int, eager: int
) -> None:
    for by, epochs in ((True, native), (False, eager)):
        made = stub(rows, params, settings={"batch_size": size}, native=by)
        assert made.affordable() == epochs


@pytest.mark.parametrize(
    ("rows", "params", "size", "steps"),
    [(100, 0, None, 1), (100, 7, 100, 1), (100, 7, 99, 2), (100, 7, 16, 7), (3, 1000, 1, 3)],
)
def test_seconds_are_counted_by_steps_and_visits(
    rows: int, params: int, size: int | None, steps: int
) -> None:
    for epochs in (1, 50):
        made = stub(rows, params, settings={"batch_size": size}, epochs=epochs)
        seconds = epochs * (steps / 40_000 + rows * params * 1.5e-9)
        assert made.cost() == pytest.approx(0.012 + seconds)
        made.native = False
        assert made.cost() == pytest.approx(0.012 + 200 * seconds)


# --- how it is trained ---------------------------------------------------------------------------
def test_it_learns_from_the_rows_to_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def noted(model: Any, xs: Any, ys: Any, **how: Any) -> None:
        seen.append((model, xs, ys, how))
        warnings.warn("not to be seen", stacklevel=1)

    monkeypatch.setattr(trials, "fit", noted)
    monkeypatch.setattr(Training, "judge", lambda training, model: (training, model))
    own: dict[str, Any] = {"batch_size": 3, "clip": 1.0, "sample_weight": [1.0, 2.0, 3.0, 4.0]}
    made = stub(model="m", xs=[10, 11, 12, 13], ys=[5, 6, 7, 8], loss="l", settings=own,
                learned=[1, 3], held=[0])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found: Any = made.score()
    assert found == (made, "m")
    how = {"loss": "l", "optimizer": made.optimizer, "batch_size": 3, "clip": 1.0, "epochs": 7}
    how |= {"sample_weight": [2.0, 4.0], "seed": 0, "patience": None, "progress": False}
    assert seen == [("m", [11, 13], [6, 8], how)]
    assert own["sample_weight"] == [1.0, 2.0, 3.0, 4.0]
    own["sample_weight"] = None
    made.score()
    assert seen[1][3] == how | {"sample_weight": None}


@pytest.mark.parametrize("error", [ValueError, ArithmeticError, OverflowError, NumericError])
@pytest.mark.parametrize("where", ["fit", "judge"])
def test_a_copy_that_diverges_has_failed(
    error: type[Exception], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any, **how: Any) -> None:
        raise error("it diverged")

    monkeypatch.setattr(trials, "fit", fails if where == "fit" else lambda *given, **how: None)
    monkeypatch.setattr(Training, "judge", fails)
    own = {"batch_size": None, "sample_weight": None}
    assert stub(xs=[0] * 6, ys=[0] * 6, settings=own).score() == FAILED == -1.0
    error = TypeError  # the model does not suit
    with pytest.raises(TypeError, match="it diverged"):
        stub(xs=[0] * 6, ys=[0] * 6, settings=own).score()


def test_what_is_trained_aside_is_not_the_last_training() -> None:
    history, other = trained(2), trained(2)
    for last in ([ref(history)], []):
        LAST.clear()
        LAST.extend(last)
        with suppress(KeyError), aside():
            LAST.append(ref(other))
            raise KeyError
        assert [*LAST] == last


# --- how it is judged ----------------------------------------------------------------------------
def judged(outputs: list[Any], ys: list[Any], loss: Any, **how: Any) -> float:
    """The score of a copy with these outputs for the rows held out; other rows stand between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "predict", lambda model, xs: [outputs[x] for x in xs])
        every = [y for pair in zip(ys, ys, strict=True) for y in pair]
        places = [*range(0, len(every), 2)]
        xs = [i // 2 if i in places else None for i in range(len(every))]
        model: Any = None
        return stub(xs=xs, ys=every, held=places, loss=loss, **how).judge(model)


@pytest.mark.parametrize("seed", range(4))
def test_numbers_are_judged_by_how_much_of_their_variance_is_explained(seed: int) -> None:
    rng = random.Random(seed)
    ys = [rng.gauss(0.0, 1.0) for _ in range(9)]
    outputs = [y + rng.gauss(0.0, 0.2 + seed / 3) for y in ys]
    missed = sum((o - y) ** 2 for o, y in zip(outputs, ys, strict=True))
    about = sum((y - sum(ys) / 9) ** 2 for y in ys)
    score = judged(outputs, ys, losses.mse_loss)
    assert score == pytest.approx(max(1.0 - missed / about, -1.0))
    assert judged([-9.0 * y for y in ys], ys, losses.mse_loss) == -1.0
    assert judged([[y] for y in ys], [[y] for y in ys], losses.mse_loss) == 1.0
    for bad in (math.nan, math.inf):
        assert judged([bad, *outputs[1:]], ys, losses.mse_loss) == -1.0
        assert judged([[0.0, bad]] * 9, [[y, y] for y in ys], losses.mse_loss) == -1.0


def test_classes_are_judged_by_the_mean_of_their_shares() -> None:
    ys = [0] * 8 + [1, 1]
    outputs = [-1.0] * 8 + [2.0, -2.0]
    score = judged(outputs, ys, nn.binary_cross_entropy_with_logits)
    assert score == (1.0 + 0.5) / 2
    rows = [[0.0, 1.0, 2.0], [3.0, 1.0, 2.0], [0.0, 1.0, -2.0], [0.0, 1.0, 1.0]]
    assert judged(rows, [2, 1, 1, 0], nn.cross_entropy) == (1.0 + 0.5 + 0.0) / 3
    assert judged([0.2, 0.8, 1.6, 2.4] * 3, [0, 1, 1, 2] * 3, losses.mse_loss) == (2.0 + 0.5) / 3


@pytest.mark.parametrize(
    ("loss", "output", "answer"),
    [
        (nn.cross_entropy, [1.0, 3.0, 2.0], 1),
        (nn.cross_entropy, [3.0, 3.0], 0),
        (nn.cross_entropy, [-2.0, -3.0, -1.0], 2),
        (losses.mse_loss, [0.0, 1.0], 1),
        *[(nn.binary_cross_entropy, x, int(x > 0.5)) for x in (0.0, 0.5, 0.51, 1.0)],
        *[(nn.binary_cross_entropy_with_logits, x, int(x > 0)) for x in (-1.0, 0.0, 0.01)],
        *[(losses.hinge_loss, x, 2 * int(x > 0) - 1) for x in (-1.0, 0.0, 0.01)],
        *[(losses.mse_loss, x, y) for x, y in ((-9.0, 1.0), (1.9, 1.0), (2.5, 1.0), (2.6, 4.0))],
        *[(losses.mse_loss, x, y) for x, y in ((6.5, 4.0), (6.6, 9.0), (99.0, 9.0))],
    ],
)
def test_an_output_stands_for_a_class(loss: Any, output: Any, answer: Any) -> None:
    made = stub(loss=loss)
    vars(made)["classes"] = [1.0, 4.0, 9.0]
    assert made.answer(output) == answer


def test_classes_are_sure_where_the_loss_is_one_of_them() -> None:
    ys = [float(i) for i in range(9)]
    assert stub(ys=ys, loss=nn.cross_entropy).classes == ys
    assert stub(ys=ys, loss=losses.mse_loss).classes == []
    assert stub(ys=[2.0, 1.0] * 3, loss=losses.mse_loss).classes == [1.0, 2.0]


@pytest.mark.parametrize(
    ("target", "known"),
    [
        (3, 3.0), (-2.0, -2.0), (2.5, None), (math.nan, None), (math.inf, None), ("x", None),
        ([4], 4.0), ([4.5], None), ((1, 0), 0), ([0, 0, 1], 2), ([1.0, 0.0, 1.0], None),
        ([0, 2], None), ([0.0, 0.0], None), ([0.5, 1.0], None), ([-1, 0, 1], 2), ([-2, 1], None),
    ],
)  # fmt: skip
def test_a_target_is_a_class_if_it_is_whole_or_one_of_several(target: Any, known: Any) -> None:
    assert class_of(target) == known


@pytest.mark.parametrize(
    ("many", "of", "few"),
    [(2, 6, True), (2, 5, False), (3, 9, True), (3, 8, False), (20, 60, True), (21, 99, False),
     (1, 3, True), (1, 2, False)],
)  # fmt: skip
def test_classes_are_a_third_of_the_rows_at_most(many: int, of: int, few: bool) -> None:
    ys = [float(many - 1 - i % many) for i in range(of)]
    assert classes_in(ys, False) == ([*map(float, range(many))] if few else [])
    assert classes_in(ys, True) == [*map(float, range(many))]
    assert classes_in([*ys, 0.5], True) == []


@pytest.mark.parametrize(("many", "most"), [(0, 3), (3, 3), (2, 3), (4, 3), (100, 7)])
def test_of_many_rows_the_same_ones_are_chosen(many: int, most: int) -> None:
    found = [*chosen(many, most)]
    assert found == sorted({*found}) == [*chosen(many, most)]
    assert len(found) == min(many, most)
    assert {*found} <= {*range(many)}
    if many > most:
        assert found == sorted(random.Random(0).sample(range(many), most))
