"""Rows in the containers that people have them in, and rows that nothing can be learned from."""

import math
import random
import re
import traceback
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import nn
from engine import NumericError, Value, numeric_mode
from nn import MLP, SGD, Layer, Module, fit

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")

XS = np.random.default_rng(1).normal(size=(40, 3)).round(2)
XS[:, 2] = XS[:, 0] > 0
YS = (XS @ [1.0, -2.0, 0.5]).round(3)
BACKENDS = pytest.mark.parametrize("backend", ["native", "eager"])


class Tensor:
    """What a tensor of PyTorch shows; NumPy may not read one that has gradients."""

    def __init__(self, numbers: Any, free: bool = False) -> None:
        self.numbers, self.free = np.asarray(numbers), free

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Any:
        return iter([Tensor(row, self.free) for row in self.numbers])

    def detach(self) -> "Tensor":
        return Tensor(self.numbers, True)

    def cpu(self) -> "Tensor":
        return self

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        assert self.free
        return self.numbers


def train(xs: Any, ys: Any, backend: str = "native", **how: Any) -> list[Any]:
    """The losses and the parameters of a short training."""
    model = how.pop("model", None) or MLP(3, [4, 1], activation="tanh", rng=3)
    how = {"loss": "mse", "epochs": 2, "seed": 5, "progress": False, "batch_size": 8, **how}
    history = fit(model, xs, ys, backend=backend, **how)
    return [history.log, [p.data for p in model.parameters()]]


# --- what is taken -------------------------------------------------------------------------------
TAKEN: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "arrays": lambda xs, ys: (xs, ys),
    "reversed twice": lambda xs, ys: (xs[::-1].copy()[::-1], np.asfortranarray(ys)),
    "frame and series": lambda xs, ys: (pd.DataFrame(xs), pd.Series(ys, index=range(7, 47))),
    "a frame with a column of bools": lambda xs, ys: (
        pd.DataFrame(xs, columns=["a", "b", "c"]).astype({"c": bool}),
        pd.DataFrame({"y": ys}),
    ),
    "sparse": lambda xs, ys: (sparse.csr_matrix(xs), ys.tolist()),
    "a list of sparse rows": lambda xs, ys: ([sparse.csr_matrix(x) for x in xs], ys),
    "tensors": lambda xs, ys: (Tensor(xs), Tensor(ys)),
    "lists of tensors": lambda xs, ys: (list(Tensor(xs)), list(Tensor(ys))),
    "numbers in arrays of no dimension": lambda xs, ys: (xs, [np.array(y) for y in ys]),
    "nothing masked": lambda xs, ys: (np.ma.masked_array(xs, mask=False), ys),
    "a column of targets": lambda xs, ys: (xs, ys[:, None]),
    "targets in lists": lambda xs, ys: (xs.tolist(), [[y] for y in ys.tolist()]),
    "objects": lambda xs, ys: (xs.astype(object), ys.astype(object)),
    "views of a dict": lambda xs, ys: (
        dict.fromkeys(map(tuple, xs)).keys(),
        dict(enumerate(ys)).values(),
    ),
    "iterators": lambda xs, ys: ((iter(x) for x in xs), iter(ys)),
    "Values": lambda xs, ys: ([[Value(v) for v in x] for x in xs], ys),
}


@BACKENDS
@pytest.mark.parametrize("validation", ["share", "pair"])
@pytest.mark.parametrize("way", TAKEN)
def test_rows_in_every_container_train_to_the_bits_of_lists(
    way: str, validation: str, backend: str
) -> None:
    make = TAKEN[way]

    def result(make: Any) -> Any:
        held = 0.25 if validation == "share" else make(XS, YS)
        return train(*make(XS, YS), backend, validation=held)

    assert result(make) == result(lambda xs, ys: (xs.tolist(), ys.tolist()))


@BACKENDS
def test_numbers_of_other_types_are_what_they_are(backend: str) -> None:
    halves = (XS * 2).round() / 2
    want = train(halves.tolist(), [1, 0] * 20, backend)
    assert train(halves.astype("float32"), np.array([1, 0] * 20, "int8"), backend) == want
    assert train(halves.astype(">f8"), np.array([True, False] * 20), backend) == want


def test_a_column_of_classes_and_metrics() -> None:
    classes, model = (XS[:, 0] > 0).astype(int), MLP(3, [2], rng=3)
    plain = train(XS, classes, model=MLP(3, [2], rng=3), loss="cross_entropy")
    assert train(XS, classes[:, None], model=model, loss="cross_entropy") == plain
    assert nn.accuracy(model, XS, classes[:, None]) == nn.accuracy(model, XS, classes)
    regression = MLP(3, [1], rng=3)
    assert nn.r2_score(regression, XS, YS[:, None]) == nn.r2_score(regression, XS, YS)
    assert nn.predict(regression, sparse.csr_array(XS)) == nn.predict(regression, XS)


def test_a_loss_of_ones_own_gets_targets_as_they_are() -> None:
    seen = []

    def loss(outputs: list[Any], targets: list[Any]) -> Value:
        seen.extend(targets)
        return nn.mse_loss(outputs, [y for (y,) in targets])

    train(XS, [[y] for y in YS], "eager", loss=loss)
    assert all(isinstance(y, list) for y in seen)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_sparse_tensors_are_dense_ones() -> None:
    torch = pytest.importorskip("torch", reason="pip install gradwalk[interop]")
    xs, ys = torch.tensor(XS), torch.tensor(YS)
    want = train(XS, YS)
    for made in (xs.to_sparse(), xs.to_sparse_csr(), [x.to_sparse() for x in xs]):
        assert train(made, ys.to_sparse()) == want
    with pytest.raises(TypeError, match=r"the samples: NumPy cannot read this Tensor \(Got uns"):
        train(xs.bfloat16(), ys)


# --- what is refused -----------------------------------------------------------------------------
def _masked() -> Any:
    masked = np.ma.masked_array(XS, mask=False)
    masked[17, 1] = np.ma.masked
    return masked


TEXT = pd.DataFrame(XS, columns=["age", "height", "city"])
TEXT["city"] = ["Paris"] * 40
REFUSED: list[tuple[Any, Any, type[Exception], str]] = [
    (set(map(tuple, XS)), YS, TypeError, "the samples are a set, which has no order; give a list"),
    (XS, frozenset(YS), TypeError, "the targets are a frozenset, which has no order"),
    ({"a": XS[:, 0]}, YS, TypeError, "the samples are a dict, which is read as its keys; give"),
    (_masked(), YS, ValueError, "the samples: [17, 1] of the MaskedArray is masked; fill it"),
    (list(_masked()), YS, ValueError, "row 17 of the samples: [1] of the MaskedArray is masked"),
    (XS, _masked()[:, 1], ValueError, "the targets: [17] of the MaskedArray is masked"),
    (np.array(3.0), YS, TypeError, "the samples are a single ndarray; give a list"),
    (XS, 3.0, TypeError, "the targets are a single float; give a list with one for each row"),
    (TEXT, YS, TypeError, "row 0: the sample's column 'city' is str 'Paris'; write it as a number"),
    (XS.astype(str), YS, TypeError, "row 0: the sample's column 0 is str_ "),
    (XS, ["yes"] * 40, TypeError, "row 0: the target is str 'yes'; write it as a number"),
    (XS.astype("M8[s]"), YS, TypeError, "row 0: the sample's column 0 is datetime64"),
    (XS * 1j, YS, TypeError, "row 0: the sample's column 0 is complex128"),
    ([*XS[:5].tolist(), [1.0, None, 2.0]], YS[:6], TypeError, "row 5: the sample's column 1 is No"),
    ([*XS[:5], [Fraction(1, 3)] * 3], YS[:6], TypeError, "row 5: the sample's column 0 is Fract"),
    ([*XS[:5].tolist(), [1.0]], YS[:6], ValueError, "row 5: the sample has length 1, others 3"),
    ([[1.0], 2.0], [1.0, 2.0], ValueError,
     "row 1: the sample has length none (a number), others 1; write all of them alike"),
    (XS[:2], [1.0, [2.0]], ValueError,
     "row 1: the target has length 1, others none (a number); write all of them alike"),
    (XS[:2], [[1.0, 2.0], [2.0, [1.0]]], TypeError, "row 1: the target's column 1 is list [1.0]"),
    ([[1.0, [2.0]], [1.0, 2.0]], [1.0, 2.0], TypeError,
     "row 0: the sample's column 1 is list [2.0]; write it as a number"),
    ([*XS[:2], {"a": 1.0, "b": 2.0, "c": 3.0}], YS[:3], TypeError,
     "row 2: the sample is a dict; give its numbers in their order, as a list"),
    ([{1.0, 2.0, 3.0}] * 4, YS[:4], TypeError, "row 0: the sample is a set; give its numbers"),
    (XS[:2], [{1.0}, {0.5}], TypeError, "row 0: the target is a set; give its numbers"),
    (np.ones((4, 3, 2)), YS[:4], TypeError, "row 0: the sample's column 0 is ndarray"),
]  # fmt: skip


@pytest.mark.parametrize("backend", ["auto", "eager"])
@pytest.mark.parametrize(("xs", "ys", "kind", "message"), REFUSED, ids=lambda x: repr(x)[:20])
def test_what_is_no_rows(xs: Any, ys: Any, kind: Any, message: str, backend: str) -> None:
    with pytest.raises(kind) as error:
        train(xs, ys, backend)
    assert message in str(error.value)


@pytest.mark.parametrize("row", [{1.0, 2.0}, {0: 1.0, 1: 2.0}], ids=["set", "dict"])
@pytest.mark.parametrize("model", [MLP(2, [2, 1], rng=1), Layer(2, 2, rng=1)], ids=["MLP", "Layer"])
def test_a_sample_without_an_order_is_refused(model: Module, row: Any) -> None:
    with pytest.raises(TypeError, match=f"takes a list of inputs, got a {type(row).__name__}"):
        model(row)
    with pytest.raises(TypeError, match=f"row 0: the sample is a {type(row).__name__}; give"):
        train([row] * 4, [1.0] * 4, model=model, backend="auto")


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


class Scaled(Module):
    """As many outputs as inputs, and an error of the user's own."""

    def __init__(self) -> None:
        self.w = Value(0.5)

    def __call__(self, x: Any) -> Any:
        if -1.0 in x:
            raise ValueError("no -1 here")
        return [self.w * v for v in x]


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


# --- trainings that diverge ----------------------------------------------------------------------
@BACKENDS
def test_a_row_that_overflows_is_named_and_what_to_do(backend: str) -> None:
    huge = XS.copy()
    huge[17, 1] = 1e200
    with pytest.raises(NumericError, match=r"^row 17: .* is inf .*no step was done yet, so scale"):
        train(huge, YS, backend, batch_size=None, model=MLP(3, [1], rng=3))
    with pytest.raises(
        NumericError, match=r"^row 17 of the validation: .* is inf .*scale the samp"
    ):
        train(XS, YS, backend, validation=(huge, YS), model=MLP(3, [1], rng=3))


@BACKENDS
def test_a_training_that_diverges_says_so_in_one_traceback(backend: str) -> None:
    with pytest.raises(NumericError) as error:
        train(XS, YS * 100, backend, optimizer=lambda ps: SGD(ps, lr=20.0), epochs=200)
    message = str(error.value)
    assert message.count("row ") == 1
    assert "steps: lower the learning rate (20), clip the gradients, or scale" in message
    text = "".join(traceback.format_exception(error.value))
    assert text.count("Traceback") == 1
    assert mentioned(text) == {__file__}


def mentioned(text: str) -> set[str]:
    """The files that a traceback and the message below it name."""
    return {*re.findall(r'File "([^"]+)"', text), *re.findall(r"(?:at|into) (\S+\.py):\d+", text)}


OTHERS = [[0.0, 1.0]] * 200
WRONG = {
    "fit": lambda m: nn.fit(m, OTHERS, [1.0] * 200, loss="mse", progress=False),
    "fit, arguments": lambda m: nn.fit(m, XS, YS, loss="msee"),
    "fit, metric": lambda m: nn.fit(m, XS, YS, loss="mse", metrics="recall"),
    "fit, a folder that is not there": lambda m: nn.fit(
        m, XS, YS, loss="mse", progress=False, checkpoint="/nowhere/at/all"
    ),
    "predict": lambda m: nn.predict(m, OTHERS[:3]),
    "predict, many": lambda m: nn.predict(m, OTHERS),
    "accuracy": lambda m: nn.accuracy(m, XS, [7.5] * len(XS)),
    "confusion_matrix": lambda m: nn.confusion_matrix(m, XS, YS[:3]),
    "r2_score": lambda m: nn.r2_score(m, XS, [[1.0, 2.0]] * len(XS)),
    "no model": lambda m: nn.predict(nn.Module(), XS),
    "classifier": lambda m: nn.ScalarMLPClassifier(alpha=-1.0).fit(XS, YS > 0),
    "partial_fit": lambda m: nn.ScalarMLPRegressor(early_stopping=True).partial_fit(XS, YS),
    "regressor": lambda m: nn.ScalarMLPRegressor(optimizer="adem").fit(XS, YS),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_error_shows_no_line_of_the_library(wrong: str) -> None:
    model = MLP(3, [1], output="sigmoid", rng=1)
    with pytest.raises((TypeError, ValueError, NotImplementedError, OSError)) as error:
        WRONG[wrong](model)
    text = "".join(traceback.format_exception(error.value))
    assert text.count("Traceback") == 1
    assert mentioned(text) == {__file__}
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "<lambda>"


def test_an_error_of_an_estimator_that_was_not_fitted_shows_no_line_of_the_library() -> None:
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        with pytest.raises(ValueError, match="not fitted") as error:
            getattr(nn.ScalarMLPClassifier(), method)(XS)
        files = mentioned("".join(traceback.format_exception(error.value)))
        assert {file for file in files if "/sklearn/" not in file} == {__file__}


@BACKENDS
def test_a_model_that_fails_shows_its_own_line_and_none_of_the_library(backend: str) -> None:
    class Wrong(Scaled):
        def __call__(self, x: Any) -> Any:
            return [self.w * v for v in x][7]

    for call in (
        lambda: train(XS, YS, backend, model=Wrong()),
        lambda: nn.predict(Wrong(), XS),
        lambda: nn.accuracy(Wrong(), XS, YS),
    ):
        with pytest.raises(IndexError) as error:
            call()
        text = "".join(traceback.format_exception(error.value))
        assert text.count("Traceback") == 1
        assert mentioned(text) == {__file__}
        assert traceback.extract_tb(error.value.__traceback__)[-1].name == "__call__"


@BACKENDS
def test_what_an_error_of_the_user_s_was_raised_from_stays_and_is_shown_once(backend: str) -> None:
    class Wrong(Scaled):
        def __call__(self, x: Any) -> Any:
            try:
                return {}[x]
            except TypeError as error:
                raise ValueError("no such row") from error

    with pytest.raises(ValueError, match=r"^no such row$") as caught:
        train(XS.tolist(), YS, backend, model=Wrong())
    text = "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value.__cause__, TypeError)
    assert text.count("Traceback") == 2
    assert mentioned(text) == {__file__}


def test_a_fault_of_the_library_keeps_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(nn.training.data.Data, "weigh")
    with pytest.raises(AttributeError) as error:
        train(XS, YS)
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "fit"


@BACKENDS
def test_a_loss_that_overflows_names_the_line_of_its_user(backend: str) -> None:
    model = MLP(3, [1], rng=3)
    for parameter in model.parameters():
        parameter.data = 1e160
    with pytest.raises(NumericError, match="row 0: ") as error:
        train([[1.0, 1.0, 1.0]], [[0.0]], backend, model=model)
    assert mentioned(str(error.value)) == {__file__}


def test_the_traceback_of_a_users_own_code_stays() -> None:
    def meddle(history: Any) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough") as error:
        train(XS, YS, callbacks=meddle)
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "meddle"


# --- memory --------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", [{}, {"validation": 0.2}], ids=["all rows", "some held out"])
def test_an_array_is_read_where_it_is(how: Any) -> None:
    rng = np.random.default_rng(1)
    xs = rng.normal(size=(40_000, 30))
    ys, quick = (xs[:, 0] > 0).astype(int), {"loss": "cross_entropy", "batch_size": 512, **how}
    train(xs[:100], ys[:100], model=MLP(30, [2], rng=1), **quick)
    model = MLP(30, [2], rng=1)
    tracemalloc.start()
    train(xs, ys, model=model, **quick)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < xs.nbytes


def test_the_order_of_the_rows_is_that_of_lists() -> None:
    data = nn.training.data.Data(nn.evaluation.samples.pair_up("fit", XS, YS), None)
    want, rng = list(range(40)), random.Random(7)
    assert [*data.batches(16, random.Random(7))]
    rng.shuffle(want)
    assert list(data.order) == want
