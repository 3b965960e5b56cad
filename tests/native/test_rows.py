"""Rows and parameters as callers have them, and what is refused."""

import array
import math
import pickle
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from engine import NumericError, Program, Value
from engine.native.rows import as_rows, as_vector
from tests.native.tools import Array, ieee, line, same_bits

NUMBERS = np.arange(24.0).reshape(8, 3) - 5.0


@pytest.fixture(scope="module")
def program() -> Program:
    return line(3)[2]


def want(rows: Any) -> Array:
    return np.asarray(rows, "float64") * [1.0, 2.0, 3.0] + 0.5


def misaligned(rows: Array) -> Any:
    raw = np.zeros(rows.nbytes + 1, "uint8")
    shifted = raw[1:].view("float64").reshape(rows.shape)
    shifted[:] = rows
    assert not shifted.flags.aligned
    return shifted


def read_only(rows: Array) -> Any:
    copy = rows.copy()
    copy.flags.writeable = False
    return copy


def packed(rows: Array) -> Any:
    """Columns of a record array: a stride that is no multiple of 8."""
    records = np.zeros(len(rows), [("flag", "u1"), ("x", "f8", (3,))])
    records["x"] = rows
    return records["x"]


WAYS: dict[str, Callable[[Array], Any]] = {
    "C": lambda a: a,
    "Fortran": np.asfortranarray,
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "columns of a wider one": lambda a: np.hstack([a, a])[:, 1:4],
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "rows reversed": lambda a: a[::-1].copy()[::-1],
    "all reversed": lambda a: a[::-1, ::-1],
    "read-only": read_only,
    "misaligned": misaligned,
    "packed": packed,
    "big-endian": lambda a: a.astype(">f8"),
    "float32": lambda a: a.astype("float32"),
    "float16": lambda a: a.astype("float16"),
    "longdouble": lambda a: a.astype("longdouble"),
    "int": lambda a: a.astype("int64"),
    "int8": lambda a: a.astype("int8"),
    "big-endian ints, sliced": lambda a: a.astype(">i4")[::-1],
    "unsigned": lambda a: (a + 5).astype("uint16"),
    "bool": lambda a: a > 3,
    "broadcast rows": lambda a: np.broadcast_to(a[0], (5, 3)),
    "broadcast numbers": lambda a: np.broadcast_to(2.5, (5, 3)),
    "lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a.tolist())),
    "lists of ints": lambda a: [[1, 2, 3], [4, 5, 6]],
    "lists of bools": lambda a: [[True, False, True]],
    "mixed": lambda a: [[1, 2.5, True], (3, 4, 5)],
    "list of arrays": list,
    "list of array.array": lambda a: [array.array("d", row) for row in a.tolist()],
    "tuples of float32": lambda a: [tuple(row) for row in a.astype("float32")],
    "objects": lambda a: a.astype(object),
    "matrix": lambda a: np.array(a).view(np.ndarray),
    "memoryview": lambda a: memoryview(np.ascontiguousarray(a)),
    "one row": lambda a: a[:1],
    "sparse": lambda a: sparse.csr_array(a),
    "nothing masked": lambda a: np.ma.masked_array(a, mask=False),
    "frame": lambda a: pd.DataFrame(a, columns=["x0", "x1", "x2"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_rows_in_every_form(way: str, program: Program) -> None:
    rows = WAYS[way](NUMBERS)
    before = np.array(NUMBERS if way == "sparse" else rows, "float64")
    np.testing.assert_array_equal(program(rows), want(before))
    after = rows.toarray() if way == "sparse" else np.array(rows, "float64")
    np.testing.assert_array_equal(after, before)  # nothing was written


def test_results_are_new_arrays(program: Program) -> None:
    first = program(NUMBERS)
    kept = first.copy()
    second = program(NUMBERS + 1)
    np.testing.assert_array_equal(first, kept)
    assert first.flags.owndata
    assert first.flags.c_contiguous
    assert first.dtype == second.dtype == "float64"


def test_for_a_single_input_a_plain_list_will_do() -> None:
    (x,), _, program = line(1)
    for rows in ([1.0, 2.0], (1, 2), array.array("d", [1.0, 2.0]), np.array([1, 2]), range(1, 3)):
        assert program(rows).tolist() == [[1.5], [2.5]]
    assert Program([x], [x], reduce="mean")(array.array("f", [1.0, 2.0])).tolist() == [1.5]


def test_a_frame_goes_by_the_names_of_its_columns(program: Program) -> None:
    frame = pd.DataFrame({"x2": [3.0, 4.0], "name": ["a", "b"], "x0": [1, 2], "x1": [0.5, 0.25]})
    expected = want([[1.0, 0.5, 3.0], [2.0, 0.25, 4.0]])
    np.testing.assert_array_equal(program(frame), expected)
    np.testing.assert_array_equal(program(frame[["x1", "x0", "x2"]]), expected)
    np.testing.assert_array_equal(program(frame.iloc[::-1]), expected[::-1])
    other = frame[["x0", "x1", "x2"]].set_axis(range(3), axis=1)  # no names: by position
    np.testing.assert_array_equal(program(other), expected)
    with pytest.raises(ValueError, match=r"^the frame has no column x1, x2; .*; rename its col"):
        program(other.set_axis(["x0", "b", "c"], axis=1))
    x, y = Value(1.0), Value(2.0)
    unnamed = Program([x, y], [x - y])
    assert unnamed(frame[["x2", "x0"]]).tolist() == [[2.0], [2.0]]
    assert program(frame.iloc[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match=r"^the frame has no column x1; it has x2, name, x0, y$"):
        program(frame.rename(columns={"x1": "y"}))
    with pytest.raises(ValueError, match="no column x1"):
        program(frame[["x0", "x2"]])
    with pytest.raises(TypeError, match="rows hold numbers, got str 'a'"):
        program(frame.assign(x1="a"))


MASKED = np.ma.masked_equal(np.arange(6.0).reshape(2, 3), 5.0)
REFUSED: list[tuple[Any, type[Exception], str]] = [
    (np.zeros((4, 2)), ValueError, "each row needs 3 numbers (x0, x1, x2), got 2"),
    (np.zeros((4, 4)), ValueError, "each row needs 3 numbers (x0, x1, x2), got 4"),
    (np.zeros((0, 2)), ValueError, "each row needs 3 numbers (x0, x1, x2), got 2"),
    ([[1.0, 2.0]], ValueError, "each row needs 3 numbers (x0, x1, x2), got 2"),
    ([1.0, 2.0, 3.0], ValueError, "got (3,); write [row] for a single row"),
    (np.zeros((2, 3, 1)), ValueError, "rows have the shape (N, 3), got (2, 3, 1)"),
    (1.0, ValueError, "rows have the shape (N, 3), got ()"),
    ([[1.0, 2.0, 3.0], [1.0]], ValueError, "each row needs 3 numbers, got rows of several lengths"),
    (np.zeros((2, 3), complex), TypeError, "rows hold real numbers, got the dtype complex128"),
    ([[1j, 0, 0]], TypeError, "rows hold real numbers, got the dtype complex128"),
    (np.zeros((2, 3), "M8[s]"), TypeError, "rows hold real numbers, got the dtype datetime64[s]"),
    ([["1", "2", "3"]], TypeError, "rows hold real numbers, got the dtype <U1"),
    ("123", TypeError, "rows hold real numbers, got the dtype <U3"),
    (None, TypeError, "rows hold numbers, got NoneType None"),
    ([[1.0, None, 2.0]], TypeError, "rows hold numbers, got NoneType None"),
    ([[1.0, "a", 2.0]], TypeError, "rows hold real numbers, got the dtype <U32"),
    ([[Value(1.0), 2.0, 3.0]], TypeError, "got Value Value(data=1.0, grad=0.0); take .data"),
    (Value(1.0), TypeError, "got Value Value(data=1.0, grad=0.0); take .data"),
    ([[Fraction(1, 2)] * 3], TypeError, "got Fraction Fraction(1, 2); convert it with float(...)"),
    ([{"x0": 1.0}], TypeError, "rows hold numbers, got dict"),
    ({1.0, 2.0, 3.0}, TypeError, "the rows are a set, which has no order; give a list of rows"),
    ({"x0": [1.0]}, TypeError, "the rows are a dict, which is read as its keys; give a list of"),
    (MASKED, ValueError, "the rows: [1, 2] of the MaskedArray is masked; fill it"),
    (list(MASKED), ValueError, "row 1 of the rows: [2] of the MaskedArray is masked"),
    (pd.DataFrame({"x0": [1.0], "x1": ["a"], "x2": [1]}), TypeError, "row 0, x1: rows hold num"),
]


@pytest.mark.parametrize(("rows", "error", "message"), REFUSED, ids=lambda x: repr(x)[:40])
def test_what_is_no_rows(rows: Any, error: type[Exception], message: str, program: Program) -> None:
    with pytest.raises(error, match=re.escape(message)):
        program(rows)


def test_of_no_rows() -> None:
    xs, ws, each = line(3)
    frame = pd.DataFrame(columns=["x0", "x1", "x2"])
    for rows in ([], np.empty((0, 3)), np.empty((0, 3), "float32"), frame):
        assert each(rows).shape == (0, 3)
        assert each(rows, parameters=[1, 2, 3]).shape == (0, 3)
    assert Program(xs, xs, ws, "sum")([]).tolist() == [0.0] * 3
    with pytest.raises(ValueError, match="the mean over no rows is undefined; give at least one"):
        Program(xs, xs, ws, "mean")([])


def test_a_nan_in_the_rows_is_named_or_passed(program: Program) -> None:
    rows = NUMBERS.copy()
    rows[6, 1] = math.nan
    with pytest.raises(NumericError, match=r"^row 6: the input x1 is nan$"):
        program(rows)
    rows[2, 2] = -math.inf
    with pytest.raises(NumericError, match=r"^row 2: the input x2 is -inf$"):
        program(rows)
    with ieee():
        np.testing.assert_array_equal(program(rows), want(rows))


# --- parameters ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "theta",
    [[10, 20, 30], (10.0, 20.0, 30.0), array.array("d", [10, 20, 30]), np.array([10, 20, 30])[::1],
     np.array([30.0, 20.0, 10.0])[::-1], np.array([10, 20, 30], ">f4"),
     np.array([[10.0, 0.0], [20.0, 0.0], [30.0, 0.0]])[:, 0]],
    ids=str,
)  # fmt: skip
def test_parameters_may_be_given(theta: Any, program: Program) -> None:
    expected = NUMBERS * [10.0, 20.0, 30.0] + 0.5
    np.testing.assert_array_equal(program(NUMBERS, parameters=theta), expected)
    np.testing.assert_array_equal(program(NUMBERS), want(NUMBERS))  # for that call alone


@pytest.mark.parametrize(
    ("theta", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "parameters has the shape (3,), one number for each"),
        ([1.0] * 4, ValueError, "got (4,)"),
        ([[1.0, 2.0, 3.0]], ValueError, "got (1, 3)"),
        (np.ones((3, 1)), ValueError, "got (3, 1)"),
        ([], ValueError, "got (0,)"),
        ([1.0, 2.0, 1j], TypeError, "parameters hold real numbers, got the dtype complex128"),
        ([1.0, None, 2.0], TypeError, "parameters hold numbers, got NoneType None"),
        ([Value(1.0)] * 3, TypeError, "take .data"),
        ("abc", TypeError, "parameters hold real numbers"),
    ],
    ids=str,
)
def test_parameters_of_another_shape(
    theta: Any, error: type[Exception], message: str, program: Program
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        program(NUMBERS, parameters=theta)


def test_a_parameter_that_is_not_finite_is_named(program: Program) -> None:
    with pytest.raises(NumericError, match=r"^row 0: the parameter w1 is inf$"):
        program(NUMBERS, parameters=[1.0, math.inf, math.nan])


def test_unpickled_numbers_are_read_where_they_are() -> None:
    """Their dtype is another object, which once meant a copy at every call."""
    rows = pickle.loads(pickle.dumps(NUMBERS))
    assert np.shares_memory(as_rows(rows, "abc"), rows)
    assert np.shares_memory(as_vector(rows[0], 3), rows)


# --- out= ----------------------------------------------------------------------------------------
def test_results_are_written_to_an_array_that_is_given() -> None:
    for reduce, shape in ((None, (5, 2)), ("sum", (2,)), ("mean", (2,))):
        xs, ws, program = out_program(reduce)
        rows = np.arange(5.0 * len(xs)).reshape(5, -1)
        out = np.full(shape, 7.0)
        assert program(rows, out=out) is out
        assert same_bits(out, program(rows))
        theta = np.arange(1.0, 1.0 + len(ws))
        assert program(rows, theta, out) is out
        assert same_bits(out, program(rows, theta))
        if reduce != "mean":
            none = out if reduce else np.empty((0, 2))
            assert program(rows[:0], out=none) is none
            assert same_bits(none, program(rows[:0]))


def out_program(reduce: Any) -> Any:
    xs, w = [Value(0.0, f"x{i}") for i in range(3)], Value(2.0, "w")
    return xs, [w], Program(xs, [w * xs[0] + xs[1], xs[2] * w], [w], reduce)


def test_an_array_that_cannot_be_written_to_is_an_error_and_stays_as_it_is() -> None:
    program = out_program(None)[2]
    rows = np.arange(12.0).reshape(4, 3)
    locked = np.full((4, 2), 7.0)
    locked.flags.writeable = False
    wrong: list[tuple[Any, str]] = [
        (np.full((4, 3), 7.0), r"shape \(4, 2\), got float64 of shape \(4, 3\); make it with"),
        (np.full((5, 2), 7.0), r"shape \(4, 2\)"),
        (np.full((4, 2), 7.0, "float32"), "got float32"),
        (np.full((4, 2), 7.0, ">f8"), "got >f8"),
        ([[7.0, 7.0]] * 4, r"got list of shape \(\)"),
        (np.full((2, 4), 7.0).T, "read-only, or not in one piece"),
        (np.full((8, 2), 7.0)[::2], "read-only, or not in one piece"),
        (locked, "read-only, or not in one piece"),
        (rows.reshape(-1)[:8].reshape(4, 2), "shares memory with what is read"),
    ]
    for out, message in wrong:
        before = np.array(out)
        with pytest.raises(ValueError, match=message):
            program(rows, out=out)
        assert np.array_equal(np.array(out), before)
