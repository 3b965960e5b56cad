"""Rows: what they are made of and how, which of them a message names, and how they are weighed."""

import math
import re
from array import array
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nn
from engine import NumericError, Value, numeric_mode
from nn import MLP, Layer, Module
from nn.evaluation.samples import (
    Rows,
    as_array,
    by_place,
    columns,
    firsts,
    for_rows,
    hashable,
    is_array,
    pair_up,
    samples,
)

XS, YS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [7.0, 8.0, 9.0]


def rows(n: int = 3, **how: Any) -> Rows:
    return Rows(XS[:n], YS[:n], range(n), **how)


@pytest.mark.parametrize("made", [list, np.array])
def test_rows_are_some_of_those_given_in_their_order(made: Any) -> None:
    given = Rows(made(XS), made(YS), range(3), weights=[0.5, 2.0, 4.0])
    for places in ([], [0], [2], [1, 0], [2, 2], [0, 1, 2]):
        taken = given.take(places)
        assert len(taken) == len(places)
        assert np.array_equal(taken.xs, [XS[i] for i in places] or [])
        assert taken.ys == [YS[i] for i in places]
        assert taken.ws == [[0.5, 2.0, 4.0][i] for i in places]
        assert [y for _, y in taken] == taken.ys
        assert [taken.name(i) for i in range(len(places))] == [f"row {i}" for i in places]
        assert np.array_equal(taken.wanted, taken.ys)
        assert type(taken.wanted) is (list if made is list and not places else np.ndarray)
        assert taken.samples is given.samples
        again = taken.take(reversed(range(len(places))))
        assert [*again.numbers] == places[::-1]
    assert rows().ws == [1.0] * 3
    assert rows(1, source=" of it").name(0) == "row 0 of it"
    assert (len(Rows()), Rows().ys, Rows().ws, [*Rows()]) == (0, [], [], [])
    several = Rows(XS, np.array(XS), range(3)).take([2, 0])
    assert several.wanted.tolist() == [XS[2], XS[0]]


def test_targets_to_ignore_are_not_counted() -> None:
    given = Rows(XS, [1, -1, 1.0], range(3))
    assert given.counted(None) == range(3)
    assert given.counted(1) == [1]
    assert given.counted(-1) == [0, 2]
    assert given.counted(7) == given.take([0, 1, 2]).counted(7) == [0, 1, 2]
    assert given.take([1, 2]).counted(-1) == [1]
    assert Rows(XS, [[1, 0], [0, 1], 1], range(3)).counted(1) == [0, 1]


def squares(x: Any, y: Any) -> Any:
    return (x - y) ** 2


@pytest.mark.parametrize("weights", [None, [1, 1, 1], [0.5, 2, 0], [0, 0, 0], [0, 3, 0]])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_loss_is_weighed_by_row(weights: Any, n: int) -> None:
    outputs = [Value(6.0), Value(10.0), Value(5.5)]
    given = rows(n, weights=weights and weights[:n])
    terms, ws = [1.0, 4.0, 12.25][:n], given.ws
    wanted = sum(w * t for w, t in zip(ws, terms, strict=True)) / (sum(ws) or 1.0)
    for loss in (squares, nn.mse_loss):
        assert float(given.loss(loss, outputs[:n])) == pytest.approx(wanted)


def test_a_place_of_a_sequence_is_named_by_its_row_and_place() -> None:
    given = Rows([1, 2, 3, 4], [[0, 1], [1], [], [0, 1, 0]], range(4), source=" of it")
    outputs = [[0.1, 0.2], [0.3], [], [0.4, 0.5, 0.6]]
    flat, places = by_place(outputs, given)
    assert flat == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert places.ys == [0, 1, 1, 0, 1, 0]
    assert [places.name(i) for i in range(6)] == [
        f"row {row} of it, place {place}"
        for row, place in ((0, 0), (0, 1), (1, 0), (3, 0), (3, 1), (3, 2))
    ]
    assert places.take([5, 2]).name(0) == "row 3 of it, place 2"
    swapped = given.take([3, 0])
    _, places = by_place([outputs[3], outputs[0]], swapped)
    assert [places.name(i) for i in (0, 3, 4)] == [
        "row 3 of it, place 0", "row 0 of it, place 0", "row 0 of it, place 1"]  # fmt: skip


def test_only_sequences_are_taken_apart() -> None:
    def same(outputs: Any, targets: Any) -> bool:
        given = Rows(targets, targets, range(len(targets)))
        found = by_place(outputs, given)
        return found[0] is outputs and found[1] is given

    assert same([0.1, 0.2], [0, 1])
    assert same([0.1, 0.2], [[0], [1]])
    assert same([[0.1, 0.2], [0.3, 0.4]], [0, 1])
    assert same([[0.1, 0.2], [0.3, 0.4]], [[0, 1], [1, 0]])  # of one length: several outputs
    assert same(np.zeros((2, 3)), [[0, 1], [1, 0, 1]])
    assert same([[0.1], [0.3, 0.4]], [0, [1, 0]])  # some target is alone
    assert not same([[0.1], [0.3, 0.4]], [[0], [1, 0]])
    assert not same([[[0.1], [0.2]], [[0.3], [0.4]]], [[0, 1], [1, 0]])  # lists of lists
    for n in (0, 1, 3):
        outputs, targets = [[0.1, 0.2], [0.3]], [[1, 0], [1] * n]
        given = Rows(targets, targets, range(2), source=" of it")
        if n != 1:
            text = f"row 1 of it: the sequence has 1 outputs and {n} targets; give one target for e"
            with pytest.raises(ValueError, match=f"^{text}ach$"):
                by_place(outputs, given)


# --- checks
FILL = "fill it in, or leave the row out"
ALIKE = "write all of them alike"
FAULTS: list[tuple[Any, Any, str]] = [
    ([[1.0], [math.nan]], NumericError, f"row 1: the sample's column 0 is nan; {FILL}"),
    ([1.0, -math.inf], NumericError, f"row 1: the sample is -inf; {FILL}"),
    ([[1.0, 2.0], [0.0, math.inf], [math.nan, 0.0]], NumericError,
     f"row 1: the sample's column 1 is inf; {FILL}"),
    ([[1.0], "a"], TypeError, "row 1: the sample is str 'a'; write it as a number"),
    ([["a" * 90]], TypeError,
     f"row 0: the sample's column 0 is str '{'a' * 59}; write it as a number"),
    ([[1.0], [10**400]], TypeError,
     f"row 1: the sample's column 0 is int {str(10**400)[:60]}; write it as a number"),
    ([[1.0], {2.0}], TypeError,
     "row 1: the sample is a set; give its numbers in their order, as a list"),
    ([{"a": 1.0}], TypeError,
     "row 0: the sample is a dict; give its numbers in their order, as a list"),
    ([[1.0], [1.0, 2.0]], ValueError, f"row 1: the sample has length 2, others 1; {ALIKE}"),
    ([[1.0], [1.0], []], ValueError, f"row 2: the sample has length 0, others 1; {ALIKE}"),
    ([1.0, [1.0]], ValueError,
     f"row 1: the sample has length 1, others none (a number); {ALIKE}"),
    ([[1.0, 2.0], 3.0], ValueError,
     f"row 1: the sample has length none (a number), others 2; {ALIKE}"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(FAULTS)))
@pytest.mark.parametrize("kind", ["sample", "target"])
def test_the_first_row_that_is_no_row_of_numbers_is_named(case: int, kind: str) -> None:
    given, error, text = FAULTS[case]
    text = text.replace("sample", kind)
    good = [0.0] * len(given)
    made = {"sample": good, "target": good, kind: given}
    for source in ("", " of the validation"):
        checked = Rows(made["sample"], made["target"], range(len(given)), source=source)
        named = text.replace(":", f"{source}:", 1)
        with pytest.raises(error, match=f"^{re.escape(named)}$"):
            checked.check(True, "sample", "target")
    if error is NumericError:
        with pytest.raises(error, match=f"^{re.escape(named)}$"):
            checked.check(False, kind)
        with numeric_mode("ieee"):
            checked.check(True, "sample", "target")
    else:
        checked.check(False, "sample", "target")
    if "length" in text and "none" not in text:
        checked.check(True, "sample", "target", alike=False)
    elif error is not NumericError:
        with pytest.raises(error, match=f"^{re.escape(named)}$"):
            checked.check(True, "sample", "target", alike=False)
    checked.take([]).check(True, "sample", "target")
    checked.check(True, "target" if kind == "sample" else "sample")


def test_no_rows_have_no_faults() -> None:
    for given in (np.zeros((0, 2)), np.zeros(0), []):
        Rows(given, given, range(0)).check(True, "sample", "target")
    assert pair_up("who", [[1.0], [2.0]], [[], []]).ys == [[], []]


def test_columns_of_a_frame_have_their_names() -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "size": [3.0, math.nan]})
    given = pair_up("fit", frame, [1.0, 2.0], source=" of it")
    with pytest.raises(
        NumericError, match=f"^row 1 of it: the sample's column 'size' is nan; {FILL}$"
    ):
        given.check(True, "sample")
    assert pair_up("fit", XS, YS).columns == []
    with pytest.raises(NumericError, match=f"^row 1: the target's column 1 is nan; {FILL}$"):
        pair_up("fit", frame, frame).check(True, "target")


# --- pairs
def test_as_many_targets_as_samples() -> None:
    for n, m in ((0, 1), (1, 0), (2, 3), (3, 2)):
        text = f"^who got {n} samples and {m} targets; give one target for each$"
        with pytest.raises(ValueError, match=text):
            pair_up("who", XS[:n], YS[:m])
    with pytest.raises(ValueError, match=r"^who got no samples; give at least one and its"):
        pair_up("who", [], [])
    for n in (1, 2, 3):
        given = pair_up("who", XS[:n], YS[:n], source=" there")
        assert (given.xs, given.ys, given.source) == (XS[:n], YS[:n], " there")
        assert given.numbers == range(n)


class Listing(Module):
    """A list of so many outputs, or one; in training, a number."""

    def __init__(self, many: int | None) -> None:
        self.many, self.p = many, Value(0.0)

    def __call__(self, x: Any) -> Any:
        assert not self.training
        return self.p * 1.0 if self.many is None else [self.p * 1.0] * self.many


@pytest.mark.parametrize("many", [None, 1, 2])
@pytest.mark.parametrize("n", [1, 2])
def test_lists_of_one_target_are_numbers_unless_outputs_are_such_lists(many: Any, n: int) -> None:
    wanted = [[y] for y in YS[:n]] if many == 1 else YS[:n]
    column = [[y] for y in YS[:n]]
    for made in (list, tuple, np.array, lambda ys: [np.array(y) for y in ys]):
        model = Listing(many)
        found = pair_up("who", XS[:n], made(column), model)
        assert [*map(np.ravel, found.ys)] == [[y] for y in YS[:n]]
        assert [np.ndim(y) for y in found.ys] == [np.ndim(y) for y in wanted]
        assert model.training
        assert np.ndim(pair_up("who", XS[:n], made(column)).ys[0]) == 1
    for other in ([[1.0, 2.0]] * n, [[[1.0]]] * n, [1.0, [1.0]][-n:]):
        assert pair_up("who", XS[:n], other, Listing(2)).ys in (other, [1.0])


def test_what_is_one_thing_is_no_rows() -> None:
    for what in ("samples", "targets"):
        for single in (3, 2.5, None, np.array(3.0), Value(1.0), True):
            text = f"the {what} are a single {type(single).__name__}; give a list with one for each"
            with pytest.raises(TypeError, match=f"^{text} row$"):
                samples(single, what)
    with pytest.raises(TypeError, match=r"^the samples are a single int; give a list"):
        samples(3)
    for given in ([], [1.0, 2.0], XS):
        for made in (list, tuple, iter, np.array, array):
            if made is array and np.ndim(given) > 1:
                continue
            found = samples(array("d", given) if made is array else made(given))
            assert np.array_equal(np.array(found), np.array(given))
            assert isinstance(found, list) or is_array(found)


# --- columns, keys and functions of rows
def test_targets_are_keys_with_the_row_of_the_first() -> None:
    assert hashable([1, 2]) == hashable((1, 2)) == hashable(np.array([1, 2])) == (1, 2)
    assert (hashable(3), hashable("ab"), hashable(None)) == (3, "ab", None)
    assert firsts([]) == {}
    assert [*firsts([2, 1, 2, 1, 0]).items()] == [(2, 0), (1, 1), (0, 4)]
    assert [*firsts(["b", "a", "b"]).items()] == [("b", 0), ("a", 1)]
    assert [*firsts([[1, 0], [0, 1], [1, 0]]).items()] == [((1, 0), 0), ((0, 1), 1)]


def test_arrays_are_of_real_numbers_in_one_dimension_or_two() -> None:
    for kind in ("f8", "f2", "i4", "u1", "?"):
        for shape in ((2,), (2, 3), (0,), (1, 1)):
            made = np.zeros(shape, kind)
            assert is_array(made)
            assert as_array(made) is made
        assert not is_array(np.zeros((1, 1, 1), kind))
    for other in (
        np.array(["a"]),
        np.array([1j]),
        np.array([None]),
        [1.0],
        3,
        np.array(["2020"], "M8[s]"),
    ):
        assert not is_array(other)
        assert as_array(other) is other or is_array(as_array(other))
    for plain in ([], [[]], [[1.0], [1.0, 2.0]], ["a"], [[[1.0]]], [None]):
        assert as_array(plain) is plain


@pytest.mark.parametrize("n", [1, 2, 3])
def test_columns_are_the_numbers_of_all_rows(n: int) -> None:
    makes: list[Any] = [list, np.array, tuple]
    for made in makes:
        assert [[*column] for column in columns(made(XS[:n]))] == [
            [x[k] for x in XS[:n]] for k in (0, 1)
        ]
        assert [[*column] for column in columns(made(YS[:n]))] == [YS[:n]]
    assert np.asarray(columns(np.arange(n, dtype="u1"))).dtype == "f8"
    words = [["a", 1.0], ["b", 2.0], ["c", 3.0]][:n]
    assert [*columns(words)] == [("a", "b", "c")[:n], (1.0, 2.0, 3.0)[:n]]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_function_of_rows_gives_one_answer_for_each(n: int) -> None:
    def both(xs: Any, ys: Any) -> Any:
        return (xs[0] < 4) & (ys[-1] > 7)

    wanted = [x[0] < 4 and y > 7 for x, y in zip(XS, YS, strict=True)][:n]
    ragged = [XS[0], [*XS[1], 0.0], XS[2]][:n]
    assert for_rows(both, ragged, YS[:n]) == for_rows(both, XS[:n], [[0.0, y] for y in YS[:n]])
    assert for_rows(len, ragged) == [2, 3, 2][:n]
    makes: list[Any] = [list, np.array, tuple]
    for made in makes:
        found = for_rows(both, made(XS[:n]), made(YS[:n]))
        assert found == wanted
        assert {type(x) for x in found} == {bool}
        assert for_rows(len, made(XS[:n])) == [2] * n
        assert for_rows(len, made(YS[:n])) == [1] * n
    assert for_rows(lambda xs: xs[0] == xs[0], ["a"] * n) == [False] * n  # nan
    assert for_rows(lambda xs: xs[0] / 0.0 > 1, np.ones(n)) == [True] * n  # and no warning


def test_an_mlp_of_one_output_takes_lists_of_one_target() -> None:
    for model in (MLP(2, [2, 1], rng=1), Layer(2, 1, rng=1)):
        assert pair_up("who", XS, [[y] for y in YS], model).ys == YS
