"""What can be seen of a training, against numbers that are counted here in another way."""

import math
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import engine
from engine import Value
from nn import (
    MLP,
    SGD,
    Adam,
    AdamW,
    RMSprop,
    losses,
)
from nn.doctor.data_causes import correlation
from nn.doctor.symptoms import Scale, Symptoms, ratio, spread
from nn.optim.optimizers import Optimizer


def stub(**how: Any) -> Symptoms:
    """Symptoms of which only this is known."""
    made = Symptoms.__new__(Symptoms)
    vars(made).update(how)
    return made


def falling(*numbers: float) -> Symptoms:
    return stub(history=SimpleNamespace(loss=[*numbers]))


def rows(xs: Any, ys: Any = (), classes: Any = (), **how: Any) -> Symptoms:
    """Symptoms of rows."""
    begun = SimpleNamespace(xs=[*xs], ys=[*ys], classes=[*classes])
    return stub(begun=begun, **how)


# --- losses --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("numbers", "rises"),
    [((), 0.0), ((1.0,), 0.0), ((1.0, 2.0), 1.0), ((2.0, 2.0), 0.0), ((2.0, 1.0), 0.0),
     ((1.0, 2.0, 2.0, 1.0, 3.0), 0.5), ((3.0, 2.0, 1.0, 2.0), 1 / 3)],
)  # fmt: skip
def test_rises_are_counted_from_epoch_to_epoch(numbers: tuple[float, ...], rises: float) -> None:
    assert falling(*numbers).rises == pytest.approx(rises)


@pytest.mark.parametrize("many", range(13))
def test_the_last_quarter_is_compared_with_its_beginning(many: int) -> None:
    numbers = [100.0 - i * i for i in range(many)]
    late = falling(*numbers).late
    if many < 4:
        assert late == 0.0
    else:
        then = numbers[many - 1 - many // 4]
        assert late == pytest.approx((then - numbers[-1]) / then)
    assert falling(*[-x - 1.0 for x in numbers]).late <= 0.0
    assert falling(*[0.0] * many).late == 0.0
    assert (falling(*[math.nan] * many).late == 0.0) is (many < 4)


def test_usual_rates_are_those_of_the_kinds_of_optimisers() -> None:
    class Own(Optimizer):
        """One of the user's."""

    def usual(kind: type[Optimizer]) -> float:
        return stub(task=SimpleNamespace(optimizer=kind.__new__(kind))).usual

    assert [usual(kind) for kind in (SGD, Adam, AdamW, RMSprop, Own)] == [0.1, 0.01, 0.01, 0.01, 0]


# --- rows ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("xs", "found"),
    [
        ([[1, 2.5], (3, 4)], [[1.0, 2.5], [3.0, 4.0]]),
        ([5, 6.5], [[5.0], [6.5]]),
        (np.array([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]]),
        ([[1], [2, 3]], []),
        ([[1, 2], [3]], []),
        ([], []),
    ],
)
def test_samples_are_rows_where_they_have_one_length(xs: Any, found: list[list[float]]) -> None:
    assert rows(xs).rows == found


@pytest.mark.parametrize("many", [1, 2, 3, 10])
def test_columns_have_a_mean_a_deviation_and_a_size(many: int) -> None:
    rng = random.Random(7)
    xs = [[rng.gauss(2.0, 1.0), -7.0, rng.gauss(-9.0, 3.0)] for _ in range(many)]
    for column, known in zip(np.array(xs).T, rows(xs).columns, strict=True):
        expected = column.mean(), column.std(), abs(column).max()
        assert known == pytest.approx(expected)
        assert isinstance(known, Scale)
    assert rows(xs).columns[1] == (-7.0, 0.0, 7.0)


def test_columns_are_called_as_in_the_frame() -> None:
    names = ["age", "in\nlines", 3]
    for given in (names, np.array(names, object).tolist(), ()):
        data = SimpleNamespace(given=SimpleNamespace(columns=given))
        made = stub(task=SimpleNamespace(data=data))
        called = [made.column_name(i) for i in range(3)]
        expected = ["age", "in\\nlines", "3"] if given else ["column 0", "column 1", "column 2"]
        assert called == expected


def test_targets_are_numbers_where_each_is_one() -> None:
    assert rows([], [1, 2.5, True]).targets == [1.0, 2.5, 1.0]
    assert rows([], np.array([1.0, 2.0])).targets == [1.0, 2.0]
    assert rows([], [1, [2.0]]).targets == []
    assert rows([], []).targets == []


def test_classes_are_counted_where_there_are_some() -> None:
    ys = [2, 0, 2, [0, 1, 0], 2]
    assert rows([], ys, [0, 1, 2]).counts == {2: 3, 0: 1, 1: 1}
    assert rows([], ys).counts == {}


@pytest.mark.parametrize(
    ("loss", "widths", "counts", "missing"),
    [
        ("cross_entropy", (9, 4), {0: 1, 2: 1}, [1, 3]),
        ("cross_entropy", (9, 2), {0: 1, 1: 1, 5: 2}, []),
        ("cross_entropy", (9, 3), {1: 1, 2: 1, 3: 1}, [0]),
        ("mse", (9, 4), {0: 1}, []),
        ("cross_entropy", (), {0: 1}, []),
        ("cross_entropy", (9, 4), {}, []),
    ],
)
def test_outputs_without_targets_are_missing(
    loss: str, widths: Any, counts: Any, missing: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [SimpleNamespace(neurons=[0] * width) for width in widths]
    monkeypatch.setattr(Symptoms, "loss", loss)
    assert stub(layers=layers, counts=counts).missing == missing


# --- neighbours ----------------------------------------------------------------------------------
def neighbours(xs: Any, ys: list[float], classes: bool) -> float:
    """How much rows have in common with the five that are closest, by arrays."""
    array = np.array(xs, float)
    wide = array.std(axis=0)
    array = (array - array.mean(axis=0)) / np.where(wide == 0, 1.0, wide)
    far = ((array[:, None] - array[None]) ** 2).sum(axis=2)
    near = np.argsort(far, axis=1, kind="stable")[:, 1:6]
    wanted = np.array(ys)
    if classes:
        alike = (wanted[near] == wanted[:, None]).mean()
        chance = sum((wanted == each).mean() ** 2 for each in {*ys})
        return float((alike - chance) / (1.0 - chance))
    missed = ((wanted - wanted[near].mean(axis=1)) ** 2).mean()
    return float(1.2 - missed / wanted.var())


@pytest.mark.parametrize("many", [7, 12, 60])
@pytest.mark.parametrize("noise", [0.0, 1.0, 50.0])
def test_targets_of_rows_that_lie_close_together_are_compared(many: int, noise: float) -> None:
    rng = random.Random(many)
    xs = [[rng.gauss(0.0, 1.0), 1000.0 * rng.gauss(0.0, 1.0), 3.0] for _ in range(many)]
    numbers = [x[0] + x[1] / 1000.0 + noise * rng.random() for x in xs]
    labels = [float(number > 0.3 + noise / 2) + (number > 1.5 + noise / 2) for number in numbers]
    assert rows(xs, numbers).related == pytest.approx(neighbours(xs, numbers, False))
    found = rows(xs, labels, {*labels}).related
    assert found == pytest.approx(neighbours(xs, labels, True))
    assert rows(xs, [[y == k for k in (0, 1, 2)] for y in labels], {*labels}).related == found


def test_only_the_first_rows_are_compared() -> None:
    rng = random.Random(2)
    xs = [[rng.random()] for _ in range(300)]
    ys = [float(x > 0.4) for (x,) in xs]
    xs, ys = xs + xs[:20], ys + [1.0 - y for y in ys[:20]]
    # the scales are those of all rows, which does no harm in one column
    expected = neighbours(xs[:300], ys[:300], True)
    assert rows(xs, ys, [0, 1]).related == pytest.approx(expected)
    assert rows(xs[:300], ys[:300], [0, 1]).related == pytest.approx(expected)
    assert neighbours(xs, ys, True) < expected - 0.1


@pytest.mark.parametrize(
    ("xs", "ys", "classes"),
    [
        ([], [], ()),
        ([[1.0], [2.0]], [3.0, 3.0], ()),
        ([[1.0], [2.0]], [1, 1], (1,)),
        ([[1.0], [2.0]], [[1.0, 2.5], [2.0, 3.5]], ()),
        ([[1.0], [2.0, 3.0]], [0, 1], (0, 1)),
        ([[1.0], [math.inf]], [0, 1], (0, 1)),
        ([[1e200], [-1e200]], [0, 1], (0, 1)),
        ([[math.nan, 1.0], [2.0, 3.0]], [0.0, 1.0], ()),
    ],
)
def test_rows_that_cannot_be_compared_are_taken_for_related(xs: Any, ys: Any, classes: Any) -> None:
    assert rows(xs, ys, classes).related == 1.0


# --- numbers -------------------------------------------------------------------------------------
@pytest.mark.parametrize("many", [1, 2, 3, 30])
def test_spread_and_correlation_are_those_of_numpy(many: int) -> None:
    rng = random.Random(8)
    xs = [rng.gauss(5.0, 2.0) for _ in range(many)]
    ys = [rng.gauss(-3.0, 1.0) - x for x in xs]
    assert spread(xs) == pytest.approx((np.mean(xs), np.std(xs)))
    assert spread([0.1] * many) == (0.1, 0.0)
    if many > 1:
        assert correlation(xs, ys) == pytest.approx(np.corrcoef(xs, ys)[0, 1])
        assert correlation(xs, [-2.0 * x + 1.0 for x in xs]) == pytest.approx(-1.0)
    assert correlation(xs, [4.0] * many) == correlation([4.0] * many, xs) == 0.0


def test_spread_may_be_infinite() -> None:
    assert spread([1e200, -1e200]) == (0.0, math.inf)
    assert math.isnan(spread([math.inf, 1.0])[1])
    assert str(spread([0.0, -0.0])[0]) == "0.0"


@pytest.mark.parametrize(("a", "b", "times"), [(6, 3, 2), (1, 4, 0.25), (-6, 3, -2), (0, 2, 0)])
def test_ratio_is_how_many_times_the_one_is_the_other(a: float, b: float, times: float) -> None:
    assert ratio(a, b) == times
    assert ratio(a, 0.0) == math.inf


# --- the loss ------------------------------------------------------------------------------------
def sums(outputs: Any, targets: Any) -> Any:
    return engine.sum([(o - t) ** 2 for o, t in zip(outputs, targets, strict=True)])


def grown(loss: Any, xs: Any, ys: Any) -> float:
    model = MLP(1, [1], rng=1)
    begun = SimpleNamespace(xs=xs, ys=ys, model=model)
    return stub(begun=begun, task=SimpleNamespace(loss=loss)).growth


@pytest.mark.parametrize("many", [1, 3, 4, 5, 9])
def test_a_sum_grows_with_its_rows_and_a_mean_does_not(many: int) -> None:
    xs, ys = [[float(i)] for i in range(many)], [3.0 + i for i in range(many)]
    assert grown(sums, xs, ys) == pytest.approx(2.0)
    assert grown(losses.mse_loss, xs, ys) == pytest.approx(1.0)
    assert grown(lambda outputs, targets: sums(outputs, targets) ** 2, xs, ys) == pytest.approx(4.0)
    counts: list[int] = []

    def counted(outputs: Any, targets: Any) -> Any:
        counts.append(len(targets))
        return sums(outputs, targets)

    grown(counted, xs, ys)
    assert counts == [min(many, 4), 2 * min(many, 4)]


@pytest.mark.parametrize("error", [TypeError, ValueError, ArithmeticError, ZeroDivisionError])
def test_a_loss_that_cannot_be_computed_does_not_grow(error: type[Exception]) -> None:
    def loss(outputs: Any, targets: Any) -> Any:
        raise error

    assert grown(loss, [[1.0]], [1.0]) == 1.0
    assert grown(lambda outputs, targets: Value(0.0), [[1.0]], [1.0]) == math.inf


@pytest.mark.parametrize("name", losses.LOSSES)
def test_losses_go_by_their_names(name: str) -> None:
    made = stub(task=SimpleNamespace(loss=losses.LOSSES[name]))
    assert made.loss == name
    assert made.classifies == (name == "hinge" or "entropy" in name)


def test_a_loss_of_ones_own_has_no_name() -> None:
    made = stub(task=SimpleNamespace(loss=sums))
    assert made.loss == ""
    assert made.classifies is False
