"""The other losses for outputs in every shape against NumPy, and what losses are called."""

import math
import re
from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from engine import Value
from nn import cross_entropy, hinge_loss, l1_penalty, l2_penalty, losses, mse_loss
from nn.losses import (
    CLASSES,
    LOSSES,
    OTHER_NAMES,
    Classes,
    built_in,
    check_settings,
    classes_of,
    huber_loss,
    ignored_class,
    loss_name,
    mae_loss,
    of_rows,
    poisson_loss,
)

# Each with its targets, and what it and its slope are.
FORMULAS: dict[str, tuple[Any, Any, Any, Any]] = {
    "mse": (mse_loss, [-1.0, 0.5, 2.0], lambda d: d * d, lambda d: 2 * d),
    "mae": (mae_loss, [-1.0, 0.5, 2.0], np.abs, np.sign),
    "huber": (huber_loss, [-1.0, 0.5, 2.0],
              lambda d: np.where(abs(d) <= 1, d * d / 2, abs(d) - 0.5),
              lambda d: np.clip(d, -1, 1)),
    "narrow": (partial(huber_loss, delta=0.25), [-1.0, 0.5, 2.0],
               lambda d: np.where(abs(d) <= 0.25, d * d / 2, 0.25 * (abs(d) - 0.125)),
               lambda d: np.clip(d, -0.25, 0.25)),
}  # fmt: skip


def values(numbers: Any) -> Any:
    return [values(x) for x in numbers] if np.ndim(numbers) else Value(float(numbers))


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3,), (1, 1), (2, 3), (3, 1), (2, 2, 2)])
@pytest.mark.parametrize("name", [*FORMULAS, "poisson", "hinge"])
def test_a_loss_is_the_mean_of_its_formula(name: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    xs = np.array(rng.normal(0.0, 2.0, shape))
    if name == "poisson":
        loss, ts = poisson_loss, rng.choice([0, 1, 2.5], shape)
        each, slopes = np.exp(xs) - ts * xs, np.exp(xs) - ts
    elif name == "hinge":
        loss, ts = hinge_loss, rng.choice([-1, 1], shape)
        each = np.maximum(0.0, 1 - ts * xs)
        slopes = -ts * (each > 0)
    else:
        loss, kinds, function, slope = FORMULAS[name]
        ts = rng.choice(kinds, shape)
        each, slopes = function(xs - ts), slope(xs - ts)
    each = np.asarray(each)
    for targets in (ts, ts.tolist()) if shape else (ts.item(),):
        leaves = values(xs)
        found = loss(leaves, targets)
        found.backward()
        assert found.data == pytest.approx(each.mean(), rel=1e-12)
        assert [x.grad for x in np.ravel(leaves)] == pytest.approx(np.ravel(slopes) / each.size)
        assert loss(xs if shape else xs.item(), targets).data == pytest.approx(
            each.mean(), rel=1e-12
        )
        assert loss(xs if shape else xs.item(), values(targets)).data == pytest.approx(
            each.mean(), rel=1e-12
        )


@pytest.mark.parametrize("delta", [0.0, -1.0, float("inf"), math.nan])
def test_a_delta_is_above_0_and_finite(delta: float) -> None:
    text = f"huber_loss takes a finite delta > 0, got {delta!r}; give a number, such as 1.0"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        huber_loss(Value(1.0), 0.0, delta)
    assert huber_loss(Value(1e-200), 0.0, 5e-324).data >= 0.0
    assert huber_loss(Value(3.0), 0.0, 1e308).data == 4.5


def test_targets_at_the_limits_of_a_loss_and_beside_them() -> None:
    assert poisson_loss(Value(0.0), 0).data == 1.0
    for wrong in (-5e-324, -1, math.nan):
        text = f"poisson_loss takes counts >= 0, got {wrong!r}; for other targets use mse_loss"
        with pytest.raises(ValueError, match=f"^{text}$"):
            poisson_loss([0.0, 0.0], [1, wrong])
    for wrong in (0, 2, -2, 0.5, math.nextafter(1.0, 2.0), "1", None):
        text = f"hinge_loss takes targets -1 and +1, got {wrong!r}; write the second class as -1"
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            hinge_loss([0.0, 0.0], [1, wrong])
    with pytest.raises(TypeError, match=r"^mse_loss takes as a target"):
        mse_loss(Value(1.0), "1")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_penalties_are_sums(n: int) -> None:
    rng = np.random.default_rng(7)
    numbers = rng.normal(size=n)
    for penalty, total, slopes in (
        (l1_penalty, abs(numbers).sum(), np.sign(numbers)),
        (l2_penalty, (numbers**2).sum(), 2 * numbers),
    ):
        for given, strength in ((), 1.0), ((0.25,), 0.25), ((Value(3.0),), 3.0):
            leaves = values(numbers)
            found = penalty(leaves, *given)
            found.backward()
            assert found.data == pytest.approx(strength * total)
            assert [x.grad for x in leaves] == pytest.approx(strength * slopes)
            assert penalty(iter(numbers), *given).data == pytest.approx(strength * total)
    for penalty in (l1_penalty, l2_penalty):
        with pytest.raises(TypeError, match=f"^{penalty.__name__} takes a list of parameters, got"):
            penalty(3.0)


# --- names, settings and classes
def own(output: Any, target: Any) -> Any:
    return (output - target) ** 2


def test_a_partial_with_settings_is_the_loss_that_it_calls() -> None:
    assert {*LOSSES} == {"mse", "mae", "huber", "poisson", "hinge", "cross_entropy",
                         "binary_cross_entropy", "binary_cross_entropy_with_logits"}  # fmt: skip
    for name, loss in LOSSES.items():
        assert loss.__name__.removesuffix("_loss") == name
        assert built_in(loss) is built_in(partial(loss)) is loss
        assert built_in(partial(loss, [1.0])) is built_in(partial(loss, outputs=1).args) is None
        assert loss_name(loss) == loss.__name__
        assert loss_name(partial(loss, a=1, b="c")) == f"{loss.__name__}(a=1, b='c')"
        assert check_settings(loss) is None
    assert built_in(own) is built_in(partial(own, target=2)) is built_in(3) is None
    assert built_in(partial(partial(huber_loss, delta=2.0))) is huber_loss
    assert OTHER_NAMES == {"l1": "mae", "smooth_l1": "huber", "poisson_nll": "poisson"}
    assert loss_name(partial(partial(huber_loss), delta=2.0)) == "huber_loss(delta=2.0)"
    assert loss_name(type("Mine", (), {"__call__": own})()) == "Mine"
    assert loss_name(own) == "own"


def test_classes_of_losses() -> None:
    assert {loss: classes_of(loss) for loss in LOSSES.values() if classes_of(loss)} == CLASSES
    yes = {"binary_cross_entropy": 0.5, "binary_cross_entropy_with_logits": 0.0}
    for name, threshold in yes.items():
        assert classes_of(LOSSES[name]) == Classes(threshold) == Classes(threshold, (0, 1))
    assert classes_of(hinge_loss) == Classes(0.0, (-1, 1))
    assert classes_of(partial(cross_entropy, label_smoothing=0.1)) == Classes(None, None)
    assert classes_of(mse_loss) is classes_of(own) is classes_of(None) is None
    assert ignored_class(partial(cross_entropy, ignore_index=-7)) == -7
    for other in (
        cross_entropy,
        partial(cross_entropy),
        partial(huber_loss, delta=1),
        own,
        partial(own, ignore_index=3),
        partial(cross_entropy, [1.0], ignore_index=3),
    ):
        assert ignored_class(other) is None  # fmt: skip


SETTINGS = [
    (partial(cross_entropy, weight=1), "label_smoothing, ignore_index; got weight"),
    (partial(cross_entropy, 3, ignore_index=1), "label_smoothing, ignore_index; got 3"),
    (partial(huber_loss, 1, 2, delta=3), "delta; got 1, 2"),
    (partial(huber_loss, "a", beta=3), "delta; got 'a', beta"),
    (partial(mse_loss, outputs=3), "none; got outputs"),
    (partial(mse_loss, targets=3), "none; got targets"),
]


@pytest.mark.parametrize(("loss", "text"), SETTINGS, ids=lambda x: x if isinstance(x, str) else "")
def test_what_is_no_setting_is_named(loss: Any, text: str) -> None:
    text = f"{loss.func.__name__} takes these settings by name: {text}; leave it out"
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        check_settings(loss)


def test_settings_and_losses_of_ones_own_are_let_be() -> None:
    for loss in (
        partial(huber_loss, delta=2.0),
        partial(cross_entropy, label_smoothing=0.1, ignore_index=3),
        partial(own, 1, other=2),
        partial(own),
        own,
    ):
        assert check_settings(loss) is None


# --- rows
def test_a_loss_of_ones_own_takes_all_rows_or_one() -> None:
    outputs, targets = [Value(1.0), Value(4.0), Value(-1.0)], [1.0, 2.0, 2.0]
    for n in (1, 2, 3):
        wanted = [0.0, 2.0, 13 / 3][n - 1]
        assert of_rows(own, outputs[:n], targets[:n]).data == pytest.approx(wanted)
        assert of_rows(mse_loss, outputs[:n], targets[:n]).data == pytest.approx(wanted)
    assert of_rows(lambda xs, ys: xs[0] * len(ys), outputs, targets).data == 3.0
    assert of_rows(lambda xs, ys: len(xs), outputs, targets) == 3  # what is no Value is given back
    assert of_rows(lambda x, y: [x], outputs, targets) == [outputs]
    mixed = [outputs[0], 2.0, outputs[2]]
    assert of_rows(lambda x, y: x, mixed, targets) == mixed


def test_both_errors_of_a_loss_of_ones_own_are_told() -> None:
    def lacking(xs: Any, ys: Any) -> Any:
        return xs.first if isinstance(xs, list) else xs + ys.second

    with pytest.raises(AttributeError, match="first") as caught:
        of_rows(lacking, [Value(1.0)], [2.0])
    (note,) = caught.value.__notes__
    assert note.startswith("For an output and its target: AttributeError: ")
    assert "second" in note

    def returning(xs: Any, ys: Any) -> Any:
        return 3 if isinstance(xs, list) else xs + ys.second

    assert of_rows(returning, [Value(1.0)], [2.0]) == 3
    for error in (ValueError, KeyError):

        def raising(xs: Any, ys: Any, error: Any = error) -> Any:
            raise error("mine")

        with pytest.raises(error, match="mine") as other:
            of_rows(raising, [Value(1.0)], [2.0])
        assert not hasattr(other.value, "__notes__")
    with pytest.raises(TypeError, match=r"^mse_loss takes as a target") as plain:
        of_rows(mse_loss, [Value(1.0)], ["a"])
    assert not hasattr(plain.value, "__notes__")


def test_a_loss_that_is_no_list_s_and_gives_no_values_is_told_of_the_list() -> None:
    def one(x: Any, y: Any) -> Any:
        return float(x) - y

    with pytest.raises(TypeError) as caught:
        of_rows(one, [Value(1.0)], [2.0])
    assert "list" in str(caught.value)
    assert nn.losses.mse_loss is losses.mse_loss
