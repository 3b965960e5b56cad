"""Rows that nothing can be learned from: an error names them by their number."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine import NumericError, numeric_mode
from nn import MLP, Module
from tests.nn.evaluation.rows_trained import BACKENDS, XS, YS, Scaled, train

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")


# --- rows that are not finite --------------------------------------------------------------------
@BACKENDS
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("form", [np.array, np.ndarray.tolist, pd.DataFrame])
def test_a_row_that_is_not_finite_is_named_by_its_number(
    form: Any, number: float, backend: str
) -> None:
    bad, targets = XS.copy(), YS.copy()
    bad[17, 1] = targets[23] = number
    fill = f"{number}; fill it in, or leave the row out"
    for validation in (None, 0.25, 0.5):
        how = {"validation": validation, "backend": backend}
        with pytest.raises(NumericError, match=f"^row 17: the sample's column 1 is {fill}$"):
            train(form(bad), YS, **how)
        with pytest.raises(NumericError, match=f"^row 23: the target is {fill}$"):
            train(form(XS), targets, **how)
    with pytest.raises(NumericError, match=rf"^row 17 of the validation: the sample.* is {number}"):
        train(XS, YS, backend, validation=(form(bad), YS))
    with numeric_mode("ieee"):
        log, _ = train(XS, YS, backend, validation=(form(bad), YS))
        assert not math.isfinite(log[-1]["val_loss"]) or abs(number) == math.inf


class Filling(Module):
    """Puts 0 in the place of what is missing."""

    def __init__(self) -> None:
        self.inner = MLP(3, [1], rng=3)

    def __call__(self, x: Any) -> Any:
        return self.inner([0.0 if math.isnan(v) else v for v in x])


def test_a_model_may_know_what_to_do_with_nan() -> None:
    bad = XS.copy()
    bad[17, 1] = math.nan
    assert train(bad, YS, "auto", model=Filling())


class Passing(Filling):
    """A model of one's own that does not look."""

    def __call__(self, x: Any) -> Any:
        return self.inner(x)


@BACKENDS
def test_a_model_of_ones_own_meets_a_row_that_is_not_finite(backend: str) -> None:
    bad = XS.copy()
    bad[17, 1] = math.nan
    with pytest.raises(NumericError, match=r"^row 17: the sample's column 1 is nan; fill it in"):
        train(bad, YS, backend, model=Passing())
    with pytest.raises(NumericError, match=r"^row 17 of the validation: .* is nan; fill it in"):
        train(XS, YS, backend, model=Passing(), validation=(bad, YS))


@BACKENDS
def test_a_target_that_a_loss_refuses_is_named_by_its_row(backend: str) -> None:
    ys = (XS[:, 0] > 0).astype(int)
    ys[31] = 7
    with pytest.raises(ValueError, match=r"^row 31: cross_entropy takes a class .* got .*7"):
        train(XS, ys, backend, loss="cross_entropy", model=MLP(3, [2], rng=1), validation=0.3)
    ys[31] = -2
    with pytest.raises(ValueError, match=r"^row 31: poisson_loss takes counts >= 0, got .*-2"):
        train(XS, ys, backend, loss="poisson")


@pytest.mark.parametrize("backend", ["native", "eager"])
def test_an_output_that_a_loss_refuses_is_named_by_its_row(backend: str) -> None:
    """Not as a training that diverges: the first row's output may be a probability by chance."""
    xs, ys = [[0.5], [0.25], [2.0]], [0, 1, 1]
    model = MLP(1, [1], rng=1)
    (weight,), model.layers[0].neurons[0].b.data = model.layers[0].neurons[0].w, 0.0
    weight.data = 1.0
    remedy = "end the model in a sigmoid, or use binary_cross_entropy_with_logits"
    with pytest.raises(ValueError, match=f"^row 2: .* from 0 to 1, got 2.0; {remedy}$"):
        train(xs, ys, backend, loss="binary_cross_entropy", model=model)
    with pytest.raises(ValueError, match=f"^row 0 of the validation: .* got 3.0; {remedy}$"):
        train(xs[:2], ys[:2], "eager", lr=0.0, loss="binary_cross_entropy", model=model,
              validation=([[3.0], [0.5]], [1, 1]))  # fmt: skip


@pytest.mark.parametrize("backend", ["native", "eager"])
def test_a_model_of_ones_own_meets_a_row_that_its_loss_refuses(backend: str) -> None:
    xs, ys = [[1.0], [0.5], [2.0, 1.0], [1.0]], [[0.0]] * 4
    with pytest.raises(ValueError, match=r"^row 2: mse_loss got 2 outputs and 1 targets; give one"):
        train(xs, ys, backend, model=Scaled(), batch_size=2)
    with pytest.raises(ValueError, match=r"^no -1 here$") as found:
        train([[1.0], [-1.0]], ys[:2], "eager", model=Scaled())
    assert any(entry.name == "__call__" for entry in found.traceback)  # the user's own line

    def own(outputs: Any, targets: Any) -> Any:
        raise ValueError("no loss today")

    with pytest.raises(ValueError, match=r"^no loss today$"):
        train([[1.0]], [[0.0]], "eager", model=Scaled(), loss=own)


@pytest.mark.parametrize("backend", ["auto", "eager"])
def test_rows_to_validate_on_are_checked_before_training(backend: str) -> None:
    model = MLP(3, [1], rng=1)
    before = [p.data for p in model.parameters()]
    for validation, message in (
        ((XS[:3, :2], YS[:3]), "Layer takes 3 inputs, got 2"),
        ((XS[:3], [[1.0, 2.0]] * 3), "row 0 of the validation: mse_loss got one for an output and"),
        ((XS[:3], ["a"] * 3), "row 0 of the validation: the target is str 'a'"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            train(XS, YS, backend, validation=validation, model=model)
    assert before == [p.data for p in model.parameters()]


@BACKENDS
def test_a_row_that_overflows_is_named_and_what_to_do(backend: str) -> None:
    huge = XS.copy()
    huge[17, 1] = 1e200
    with pytest.raises(NumericError, match=r"^row 17: .* is inf\b.*no step was done yet, so scale"):
        train(huge, YS, backend, batch_size=None, model=MLP(3, [1], rng=3))
    with pytest.raises(
        NumericError, match=r"^row 17 of the validation: .* is inf\b.*scale the samp"
    ):
        train(XS, YS, backend, validation=(huge, YS), model=MLP(3, [1], rng=3))
