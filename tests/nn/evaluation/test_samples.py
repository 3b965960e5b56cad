"""Rows in the containers that people have them in, and what is no rows."""

import random
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import nn
from engine import Value
from nn import MLP, Layer, Module
from tests.nn.evaluation.rows_trained import BACKENDS, XS, YS, train

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")


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
