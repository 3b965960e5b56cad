"""What is kept of sweeps and of changes: the line that set a leaf, the losses of a loop."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import StaleValueError, Value
from engine.core.value import set_data
from engine.source.traces import CHANGES, SWEEPS, changed_at


def caller() -> Any:
    return inspect.currentframe().f_back.f_back  # type: ignore[union-attr]


def here() -> int:
    return caller().f_lineno


def code() -> Any:
    return caller().f_code


def test_a_leaf_knows_the_line_that_set_it_among_others() -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    a.data, first = 2.0, here()
    for leaf in (b, c):
        leaf.data -= 0.5
    second = here() - 1
    set_data([c], [1.0])
    third = here() - 1
    assert [changed_at(x._epoch).line for x in (a, b, c)] == [first, second, third]  # type: ignore[union-attr]


def test_a_loop_that_sets_many_is_kept_once() -> None:
    leaves = [Value(1.0) for _ in range(50)]
    for _ in range(20):
        for leaf in leaves:
            leaf.data -= 0.1
    line = here() - 1
    assert [each[0] for each in CHANGES].count(code()) == 1
    assert changed_at(leaves[3]._epoch).line == line  # type: ignore[union-attr]


def test_what_is_set_together_becomes_floats() -> None:
    leaves = [Value(0.0) for _ in range(4)]
    set_data(leaves, [1, True, np.float32(0.5), 2.5])  # type: ignore[list-item]
    assert [(type(x.data), x.data) for x in leaves] == [
        (float, 1),
        (float, 1),
        (float, 0.5),
        (float, 2.5),
    ]
    with pytest.raises(TypeError):
        set_data(leaves[:2], [7.0, "8"])  # type: ignore[list-item]
    assert leaves[0].data == 1.0


@pytest.mark.parametrize(
    "change", [lambda x: set_data([x], [4.0]), lambda x: setattr(x, "data", 4)]
)
def test_an_error_names_the_line_of_the_change(change: Callable[[Value], Any]) -> None:
    x = Value(1.0)
    y = x * 2.0
    change(x)
    line = change.__code__.co_firstlineno
    with pytest.raises(StaleValueError, match=rf"\(as test_changes.py:{line} did\)"):
        y.backward()


def test_a_sweep_is_kept_with_what_was_there_before_it() -> None:
    w = Value(2.0)
    for _ in range(3):
        (w * w).backward()
    one, *others = [*SWEEPS][-3:]
    assert one[3] == 4.0
    assert one[4]() is w
    assert one[5] is None
    assert [each[5]() is w for each in others] == [True, True]
    assert {each[0] for each in (one, *others)} == {code()}
