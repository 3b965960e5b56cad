"""A picture whose numbers do not fit together says so, where a gradient would be refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import StaleValueError, Value, numeric_mode, topological
from engine.drawing import to_dot, tree
from tests.core.programs import OPERATIONS, Program, programs

PROGRAMS = programs(names=[*OPERATIONS], steps=6)


@given(PROGRAMS, st.data())
def test_views_say_what_a_gradient_raises(program: Program, data: st.DataObject) -> None:
    *nodes, result = program.values()
    if data.draw(st.booleans()):
        data.draw(st.sampled_from(nodes[: len(program.leaves)])).data += 1.0
    views = to_dot(result, width=None), str(tree(result, depth=9))
    try:
        with numeric_mode("ieee"):
            result.backward()
        stale = False
    except StaleValueError:
        stale = True
    words = [" ".join(view.replace(r"\l", " ").split()) for view in views]
    assert ["build the expression again" in view for view in words] == [stale] * 2


def test_the_remark_is_of_the_whole_picture_and_not_of_its_legend() -> None:
    x = Value(2.0, "x")
    y = x * x + 1.0
    assert "was changed" not in to_dot(y)
    x.data = 3.0
    assert to_dot(y).count("x=3.0 was changed after") == 1
    assert re.search(r"\(as\s+test_stale\.py:\d+\s+did\)$", str(tree(y)))
    with pytest.raises(StaleValueError):
        y.backward()
    assert all(node.grad == 0.0 for node in topological(y))
