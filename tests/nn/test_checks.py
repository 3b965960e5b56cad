"""Checks of arguments: what is taken, one beside each limit, and what is said of the others."""

import math
import random
import re
import sys
from array import array
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from engine import NumericError, Value
from nn import checks
from nn.checks import (
    PLACES,
    Leaves,
    alone,
    as_list,
    as_number,
    at_least_zero,
    count,
    finite,
    flat,
    fraction,
    generator,
    in_users_terms,
    is_number,
    leaf_values,
    parameter_list,
    whole,
)
from nn.interop.common import needed

LARGEST = sys.maxsize
BESIDE_1 = math.nextafter(1.0, 0.0)


def refused(text: str, function: Any, *given: Any, kind: Any = ValueError, **named: Any) -> None:
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        function(*given, **named)


def test_real_numbers_are_numbers_and_bools_are_not() -> None:
    for number in (0, -3, 2.5, math.nan, math.inf, Fraction(1, 3), np.float32(1), np.int8(2)):
        assert is_number(number)
    for other in (True, False, 1j, "1", None, [1], Value(1.0), Decimal(1), np.array(1.0)):
        assert not is_number(other)


ONE: list[Any] = [3, 2.5, None, "words", Value(1.0), np.array(3.0), np.float64(1.0), len]
SEVERAL: list[Any] = [[], (), {}, {1}, range(3), [3], np.array([3.0]), np.zeros((2, 2)), b"a",
                      array("d"), iter([1]), {1: 2}.keys()]  # fmt: skip


def test_one_thing_is_no_list_of_things() -> None:
    assert [alone(x) for x in ONE] == [True] * len(ONE)
    assert [alone(x) for x in SEVERAL] == [False] * len(SEVERAL)
    for x in ONE:
        assert as_list(x) == flat(x) == [x]
        assert as_list(x)[0] is x


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_lists_have_their_items() -> None:
    for given in ([], [1], [1, 2, 3]):
        for make in (list, tuple, iter, np.array, dict.fromkeys):
            found = as_list(make(given))
            assert (type(found), found) == (list, given)
    (row,) = as_list(np.matrix([[1.0, 2.0]]))
    assert (type(row), row.tolist()) == (np.ndarray, [1.0, 2.0])
    assert flat([[1, 2], [], [[3], (4, [5])], iter([6])]) == [1, 2, 3, 4, 5, 6]
    assert flat(np.arange(6).reshape(2, 3)) == [0, 1, 2, 3, 4, 5]
    assert flat([]) == flat([[], [[]]]) == []
    assert flat(["ab", [Value(1.0)]])[0] == "ab"


def test_whole_numbers_are_ints() -> None:
    for given, wanted in ((3, 3), (-3.0, -3), (0.0, 0), (np.float32(7), 7), (True, 1),
                          (1e300, int(1e300)),
                          (np.bool_(True), 1), (2.5, None), (math.nan, None), (math.inf, None),
                          ("3", None), (None, None), ([3], None), (10**400, None)):  # fmt: skip
        assert whole(given) == wanted
        assert type(whole(given)) in (int, type(None))
    assert as_number(np.float32(0.5)) == as_number(Fraction(1, 2) + 0.0) == 0.5
    for other in ("3", None, [3], 10**400):
        assert math.isnan(as_number(other))


def test_counts_are_from_1_to_what_64_bits_hold() -> None:
    for given in (1, 2, LARGEST, np.int8(3), np.uint64(5)):
        assert count("who", "n", given) == given
        assert type(count("who", "n", given)) is int
    for wrong in (0, -1, True, False, 1.0, "1", None, math.nan, np.float64(2), -LARGEST):
        text = f"who takes n as a whole number >= 1, got {wrong!r}; do this"
        refused(text, count, "who", "n", wrong, "; do this")
    for large in (LARGEST + 1, 10**30):
        text = f"who takes n as a whole number >= 1 below 2**63, got {large!r}"
        refused(text, count, "who", "n", large)


def test_settings_from_0_up() -> None:
    at_least_zero("who", a=0, b=0.0, c=5e-324, d=1e308, e=np.float32(2))
    for wrong in (-5e-324, -1, float("inf"), math.nan, True, "1", None, [1.0], Value(1.0)):
        text = f"who takes a finite some >= 0, got {wrong!r}"
        refused(text, at_least_zero, "who", other=1.0, some=wrong, third=-1)


def test_settings_from_0_to_below_1() -> None:
    fraction("who", a=0, b=0.0, c=BESIDE_1, d=np.float32(0.5), e=Fraction(1, 2))
    for wrong in (-5e-324, 1, 1.0, 2, math.nan, False, "0", None):
        refused(f"who takes some in [0, 1), got {wrong!r}", fraction, "who", a=0.5, some=wrong)


def test_sources_of_randomness() -> None:
    own = random.Random(3)
    assert generator(own) is own
    for none in (None, random):
        found: Any = generator(none)
        assert found is random
    for seed in (0, 7, -1, np.int64(7)):
        assert generator(seed).random() == random.Random(int(seed)).random()
        assert generator(seed) is not generator(seed)
    for wrong in (True, 7.0, "7", np.random.default_rng(1), [7]):
        got = "randomness comes from a random.Random, an int seed or None, got "
        got += f"{type(wrong).__name__}; pass random.Random(7) or 7"
        refused(got, generator, wrong, kind=TypeError)


def test_parameters_are_leaves_each_listed_once() -> None:
    leaves = [Value(1.0), Value(2.0), Value(1.0)]
    for n in (1, 2, 3):
        for given in (leaves[:n], tuple(leaves[:n]), iter(leaves[:n])):
            assert leaf_values("who", given) == leaves[:n]
    known = Leaves(leaves)
    assert leaf_values("who", known) is known
    three: Any = 3
    assert Leaves([*known, three]) == leaf_values("who", both := Leaves([*known, three]))
    assert both is leaf_values("who", both)  # nobody looks again
    for empty in ([], (), Leaves()):
        text = f"who got no parameters; keep Values, not all frozen, in {PLACES}"
        refused(text, leaf_values, "who", empty)
    for i in range(3):
        wrong: list[Any] = [*leaves]
        wrong[i] = 3.0
        text = f"who takes Values, parameter {i} is float; pass model.parameters()"
        refused(text, leaf_values, "who", wrong, kind=TypeError)
        wrong[i] = leaves[0] * 2
        text = f"who takes leaf Values, parameter {i} is the result of mul; pass the Values that it"
        refused(f"{text} was made from", leaf_values, "who", wrong)
    for twice in ([leaves[0]] * 2, [*leaves, leaves[0]], [*leaves, leaves[2]]):
        text = "who got the same parameter twice; list every parameter once"
        refused(text, leaf_values, "who", twice)
    for single in (Value(1.0), 3.0, "model"):
        got = type(single).__name__
        text = f"who takes a list of parameters, got {got}; pass model.parameters()"
        refused(text, parameter_list, "who", single, kind=TypeError)
        refused(text, leaf_values, "who", single, kind=TypeError)


def test_the_first_parameter_that_is_not_finite_is_named() -> None:
    named, plain = Value(1.0, "w"), Value(2.0)
    assert PLACES == (
        "an attribute of a Module, directly or in a list, tuple, dict, deque, dataclass or array"
    )
    for n in range(3):
        finite("who", "gradient", [plain] * n, [1e308, -1e308, 0.0][:n])
    for params, numbers, name, number in (
        ([plain, named], [0.0, math.nan], "'w'", "nan"),
        ([plain, plain], [0.0, -math.inf], "number 1", "-inf"),
        ([plain, named], [math.inf, math.nan], "number 0", "inf"),
    ):
        text = (
            f"who: the gradient of parameter {name} is {number}, so nothing was changed; "
            "nn.diagnose(loss, model) names the line that made it or the nan or infinity that came "
            "in as data, or else lower the learning rate or clip the gradients"
        )
        refused(text, finite, "who", "gradient", params, numbers, kind=NumericError)


def test_a_warning_is_of_the_line_that_called() -> None:
    with pytest.warns(UserWarning, match="^look here$") as caught:
        checks.warn("look here")
    here = sys._getframe()
    assert (caught[0].filename, caught[0].lineno) == (__file__, here.f_lineno - 2)
    found = checks.place()
    assert (found.file, found.line) == (__file__, here.f_lineno - 1)
    assert checks.caller() is here


def test_what_an_error_was_raised_from_stays_where_the_error_is_the_users() -> None:
    cause = KeyError("inside")
    with pytest.raises(ValueError, match="mine") as caught, in_users_terms:
        raise ValueError("mine") from cause
    assert caught.value.__cause__ is cause
    with in_users_terms:
        reached = True
    assert reached


def test_what_an_error_of_the_library_was_raised_from_is_hidden() -> None:
    call = in_users_terms(lambda: needed("no_such_library"))
    with pytest.raises(
        ImportError, match=r"^no_such_library is needed \(No module named"
    ) as caught:
        call()
    assert caught.value.__cause__ is None
    with pytest.raises(ImportError) as plain:
        needed("no_such_library")
    assert isinstance(plain.value.__cause__, ImportError)
