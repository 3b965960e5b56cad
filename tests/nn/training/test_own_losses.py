"""Losses of one's own: native where they are means over rows, eager with the same meaning else."""

import functools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import engine
import nn
from engine import Value
from nn.training.native import NativeTrainer
from tests.nn.training.losses import IGNORING, LINE, RARE, THREE, XS, Loss, alike, mean, train

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

MEANS: dict[str, tuple[Loss, list[Any], int]] = {
    "squares": (mean(lambda x, y: (x - y) ** 2), LINE, 1),
    "quantile": (mean(lambda x, y: engine.maximum(0.9 * (y - x), 0.1 * (x - y))), LINE, 1),
    "where": (mean(lambda x, y: engine.where(y > 1, 3.0, 1.0) * (x - y) ** 2), THREE, 1),
    "choose": (mean(lambda x, y: -engine.choose(y, engine.log_softmax(x))), THREE, 3),
    "of ours": (lambda x, y: 2 * nn.huber_loss(x, y) + 1e-3 * nn.mse_loss(x, y), LINE, 1),
    "smoothed": (lambda x, y: nn.cross_entropy(x, y, label_smoothing=0.1), THREE, 3),
}


@pytest.mark.parametrize("case", MEANS)
def test_a_mean_over_rows_trains_natively(case: str) -> None:
    loss, ys, outputs = MEANS[case]
    for how in ({}, {"validation": 0.3, "batch_size": 7}):
        assert alike(loss, ys, outputs, **how) == "native"


SINGLE: dict[str, tuple[Callable[[Any, Any], Any], list[Any]]] = {
    "square": (lambda x, y: (x - y) ** 2, LINE),
    "absolute": (lambda x, y: abs(x - y), LINE),
    "a method": (lambda x, y: x.relu() * y, LINE),
    "a function": (lambda x, y: engine.clamp(engine.maximum(x, y) - y, -1, 1) ** 2, LINE),
    "what lists do too": (lambda x, y: x * 2 + y, THREE),
    "of ours": (lambda x, y: nn.huber_loss(x, y) - y, LINE),
    "if": (lambda x, y: (x - y) ** 2 * (3.0 if y > 1 else 1.0), THREE),
}


@pytest.mark.parametrize("case", SINGLE)
def test_a_loss_of_one_output_and_its_target_is_their_mean(case: str) -> None:
    term, ys = SINGLE[case]
    for how in ({}, {"validation": 0.3, "batch_size": 7}):
        assert alike(term, ys, **how) == ("eager" if case == "if" else "native")
        for backend in ("eager", "auto"):
            found, wanted = (train(loss, ys, 1, backend, **how)[1] for loss in (term, mean(term)))
            assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "term",
    [
        lambda xs, y: -engine.choose(y, engine.log_softmax(xs)),
        lambda xs, y: -engine.log_softmax(xs)[int(y)],
        lambda xs, y: (xs[0] - y) ** 2 + xs[1] * xs[2],
    ],
)
def test_a_loss_of_one_list_of_outputs_and_its_target_is_their_mean(term: Any) -> None:
    for how in ({}, {"validation": 0.3, "batch_size": 7}):
        assert alike(term, THREE, 3, **how) == (
            "eager" if "int" in term.__code__.co_names else "native"
        )
        found, wanted = (train(loss, THREE, 3, **how)[1] for loss in (term, mean(term)))
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_a_loss_that_takes_lists_never_gets_anything_else() -> None:
    seen = set()

    def loss(outputs: Any, targets: Any) -> Value:
        seen.add((type(outputs), type(targets)))
        return nn.mse_loss(outputs, targets)

    for backend in ("eager", "native"):
        train(loss, LINE, 1, backend)
    assert seen == {(list, list)}


def test_what_is_wrong_with_a_loss_of_one_output_is_said() -> None:
    """With the user's line, and by both ways to call it where neither works."""
    for loss, kind, text in (
        (lambda x, y: (x - y) ** missing, NameError, "name 'missing' is not"),  # noqa: F821
        (lambda x, y: (x - y).size, TypeError, "unsupported operand.*'list' and 'list'"),
        (lambda x, y: x.size, AttributeError, "'list' object has no attribute 'size'"),
        (lambda x, y: float(x[0]), TypeError, "the loss has to give one Value, got float; compute"),
        (lambda x, y: engine.log(x - 100), engine.NumericError, r"row \d+: .*no step was done yet"),
    ):
        for how in ({}, {"backend": "eager"}):
            with pytest.raises(kind, match=text) as caught:
                train(loss, LINE, **how)
            notes = ["For an output and its target: AttributeError: 'Value' object has no attr"]
            found = [x[: len(notes[0])] for x in getattr(caught.value, "__notes__", [])]
            assert found == notes * ("size" in loss.__code__.co_names)
    with pytest.raises(TypeError, match="unsupported operand"):  # of several outputs it is no mean
        train(lambda x, y: (x[0] - y) ** 2 + (x - y), LINE, 2)


def rank(outputs: list[Any], targets: list[Any]) -> Value:
    """How far rows of a larger target are from being above the others."""
    rows = [*zip(outputs, targets, strict=True)]
    terms = [engine.relu(1 - (x - z)) for x, y in rows for z, w in rows if y > w]
    return engine.sum(terms) / len(terms) if terms else Value(0.0)


SORTED = sorted(range(60), key=THREE.__getitem__)
OTHERS: dict[str, tuple[Loss, list[Any], int]] = {
    "a sum": (lambda x, y: len(x) * nn.mse_loss(x, y), LINE, 1),
    "a fixed share": (lambda x, y: len(x) / 32 * nn.mse_loss(x, y), LINE, 1),
    "pairs of rows": (rank, THREE, 1),
    "pairs with one row": (rank, RARE, 1),
    "neighbours": (lambda x, y: nn.mse_loss(x, y) + (x[0] - x[-1]) ** 2, LINE, 1),
    "some rows": (lambda x, y: nn.mse_loss(x[:4], y[:4]), LINE, 1),
    "the mean of a batch": (lambda x, y: nn.mse_loss(x, [z - sum(y) / len(y) for z in y]), LINE, 1),
    "if of ==": (mean(lambda x, y: (x - y) ** 2 * (3.0 if y == 1 else 1.0)), THREE, 1),
    "if of >": (mean(lambda x, y: (x - y) ** 2 * (3.0 if y > 1 else 1.0)), THREE, 1),
    "a dictionary": (mean(lambda x, y: (x - y) ** 2 * {7: 5.0}.get(y, 1.0)), RARE, 1),
    "a set": (mean(lambda x, y: (x - y) ** 2 * (2.0 if y in {7} else 1.0)), RARE, 1),
    "an index": (mean(lambda x, y: -engine.log_softmax(x)[y]), THREE, 3),
    "an int": (mean(lambda x, y: -engine.log_softmax(x)[int(y)]), THREE, 3),
    "counted rows": (lambda x, y: nn.cross_entropy(x, y, ignore_index=-100), IGNORING, 3),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_any_other_loss_trains_eagerly_and_means_what_it_says(case: str) -> None:
    loss, ys, outputs = OTHERS[case]
    assert alike(loss, ys, outputs) == "eager"
    with pytest.raises(ValueError, match='leave out backend="native" to train eagerly'):
        train(loss, ys, outputs, "native")


def test_rows_in_the_order_of_their_classes_hide_nothing() -> None:
    xs, ys = [XS[i] for i in SORTED], [THREE[i] for i in SORTED]
    assert alike(rank, ys, xs=xs) == "eager"
    only_there = mean(lambda x, y: (x - y) ** 2 * {7: 5.0}.get(y, 1.0))
    assert alike(only_there, [0] * 60, validation=(XS[:9], RARE[30:39])) == "eager"


def test_what_is_frequent_among_many_targets_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nn.training.own_loss.various.__defaults__", (10,))
    often = [0.0 if i % 8 == 3 else y for i, y in enumerate(LINE)]
    assert alike(mean(lambda x, y: (x - y) ** 2 * {0.0: 5.0}.get(y, 1.0)), often) == "eager"


def test_a_loss_may_leave_out_targets_that_are_missing() -> None:
    missing = [math.nan if i == 11 else y for i, y in enumerate(LINE)]

    def known(outputs: list[Any], targets: list[Any]) -> Value:
        return mean(lambda x, y: 0.0 * x if math.isnan(y) else (x - y) ** 2)(outputs, targets)

    def matched(outputs: list[Any], targets: list[Any]) -> Value:
        return mean(lambda x, y: engine.where(engine.equal(y, y), abs(x), 0.0))(outputs, targets)

    assert alike(known, missing) == "eager"
    alike(matched, missing)


def test_why_a_loss_is_not_native() -> None:
    with pytest.raises(
        ValueError, match=r"the loss of 2 rows is \S+, and \S+ as the mean of what it was"
    ):
        train(lambda x, y: len(x) * nn.mse_loss(x, y), LINE, 1, "native")
    with pytest.raises(ValueError, match="the loss cannot be tried on 1 row: IndexError: list in"):
        train(lambda x, y: (x[0] - x[1]) ** 2 + y[0], LINE, 1, "native")
    with pytest.raises(ValueError, match="the loss gave float for one row, not a Value; leave out"):
        train(lambda x, y: 1.0, LINE, 1, "native")


class Counting:
    """A loss that grows from call to call."""

    def __init__(self) -> None:
        self.calls, self.rng = 0, random.Random(5)

    def __call__(self, outputs: list[Any], targets: list[Any]) -> Value:
        self.calls += 1
        return nn.mse_loss(outputs, targets) * self.calls


def closure() -> Loss:
    calls = 0

    def loss(outputs: list[Any], targets: list[Any]) -> Value:
        nonlocal calls
        calls += 1
        return nn.mse_loss(outputs, targets) * calls

    return loss


def noisy() -> Loss:
    rng = random.Random(5)
    return lambda outputs, targets: nn.mse_loss(outputs, [y + rng.random() for y in targets])


@pytest.mark.parametrize("make", [Counting, closure, noisy])
def test_trying_a_loss_leaves_no_mark_on_it(make: Callable[[], Loss]) -> None:
    backend, *found = train(make(), LINE)
    assert backend == "eager"
    assert found == [*train(make(), LINE, 1, "eager")][1:]


def test_a_loss_may_close_over_what_is_not_there_yet() -> None:
    def loss(outputs: list[Any], targets: list[Any]) -> Value:
        return nn.mse_loss(outputs, targets) if outputs else history

    history = train(loss, LINE)
    assert history[0] == "native"


def test_a_loss_that_callbacks_change_is_an_error_and_not_another_loss() -> None:
    scale = [1.0]

    def loss(outputs: list[Any], targets: list[Any]) -> Value:
        return scale[0] * nn.mse_loss(outputs, targets)

    def halve(history: nn.History) -> None:
        scale[0] /= 2

    with pytest.raises(ValueError, match='changes in a training, needs backend="eager"'):
        train(loss, LINE, callbacks=halve)
    assert train(loss, LINE, 1, "eager", callbacks=halve)[0] == "eager"
    assert train(loss, LINE, callbacks=lambda history: None)[0] == "native"


@pytest.mark.parametrize("how", [{"class_weights": "balanced"}, {"sample_weight": [1.0] * 60}])
def test_weights_are_for_losses_by_name(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"losses (of classification )?by name.*got rank; leave"):
        train(rank, THREE, **how)


# --- losses with settings


def test_a_loss_with_settings_trains_natively_and_knows_classes() -> None:
    smooth = functools.partial(nn.cross_entropy, label_smoothing=0.1, ignore_index=-100)
    for how in (
        {},
        {"validation": 0.3, "batch_size": 1},
        {"class_weights": "balanced"},
        {"class_weights": [1, 2, 3], "sample_weight": [0.5, 2.0] * 30, "validation": 0.3},
    ):
        assert alike(smooth, IGNORING, 3, **how) == "native"
    assert alike(functools.partial(nn.huber_loss, delta=0.3), LINE) == "native"
    history = train(smooth, THREE, 3, validation=0.3)[2]
    assert len(history.accuracy) == len(history.val_accuracy) == 3


@pytest.mark.parametrize("backend", ["native", "eager"])
def test_rows_to_ignore_have_no_part_in_anything(backend: str) -> None:
    smooth = functools.partial(nn.cross_entropy, ignore_index=-100)
    there = [i for i, y in enumerate(IGNORING) if y >= 0]
    rest = {"xs": [XS[i] for i in there], "batch_size": None, "metrics": "confusion"}
    _, wanted, plain = train("cross_entropy", [THREE[i] for i in there], 3, backend, **rest)
    _, found, history = train(smooth, IGNORING, 3, backend, batch_size=None, metrics="confusion")
    assert found == pytest.approx(wanted, rel=1e-12)
    assert (history.accuracy, history.confusion) == (plain.accuracy, plain.confusion)
    with pytest.raises(ValueError, match=r"^row 0 and all others to learn from have the weight 0,"):
        train(smooth, [-100] * 60, 3, backend)


@pytest.mark.parametrize("weight", [None, [0.0] * 58 + [1.0, 1.0]])
def test_rows_to_validate_on_of_which_none_counts_are_an_error(weight: list[float] | None) -> None:
    smooth = functools.partial(nn.cross_entropy, ignore_index=-100)
    targets = [-100] * 58 + [0, 1] if weight is None else THREE
    how = {"sample_weight": weight, "validation": 0.02, "seed": 2}
    with pytest.raises(ValueError, match=r"^row \d+ and all others to validate on have the weight"):
        train(smooth, targets, 3, **how)


def test_a_second_fit_with_the_same_settings_records_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graphs: list[int] = []
    real = NativeTrainer._graph
    monkeypatch.setattr(NativeTrainer, "_graph", lambda *a: graphs.append(0) or real(*a))
    for delta, recorded in ((0.31, 1), (0.31, 1), (0.32, 2)):
        train(functools.partial(nn.huber_loss, delta=delta), LINE, 1, "native")
        assert len(graphs) == recorded


def test_a_training_with_other_settings_is_another(tmp_path: Any) -> None:
    pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")
    how = {"checkpoint": tmp_path / "run", "resume": True}
    train(functools.partial(nn.huber_loss, delta=0.3), LINE, **how)
    with pytest.raises(nn.CheckpointError, match=r"with loss='huber_loss\(delta=0.3\)'"):
        train(functools.partial(nn.huber_loss, delta=0.4), LINE, **how)
