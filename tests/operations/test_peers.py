"""Functions of one number, beside those of PyTorch and JAX; mpmath is the judge."""

import pytest

from tests.operations.peers import (
    FUNCTIONS,
    KEPT,
    ORDERS,
    POINTS,
    close,
    disagreements,
    judged,
    lines,
    ours,
)

# Numbers of ours that are not the right ones to ten digits, each with its reason.
ROUNDED = {
    "sinc": "pi * x is rounded before its sine is taken, which matters at 1e200",
    "tanhshrink": "x - tanh(x) loses digits near 0, where the two are almost equal",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives_are_right(name: str) -> None:
    function, wrong = FUNCTIONS[name], []
    for x in POINTS:
        for order, got in enumerate(ours(function, x)):
            right = judged(function, order, x)
            if isinstance(right, float) and not close(got, right):
                wrong.append(f"{ORDERS[order]} at {x:g}: {got!r}, and not {right!r}")
    assert bool(wrong) == (name in ROUNDED), "\n".join(wrong)


def test_no_peer_is_right_where_it_differs_and_the_rest_is_known() -> None:
    """Beside poles, kinks and infinities, who differs is wrong; what differs there is on a list."""
    pytest.importorskip("torch", reason="pip install gradwalk[compare]")
    pytest.importorskip("jax", reason="pip install gradwalk[compare]")
    found = list(disagreements())
    undecided = [d for d in found if d.right != "gradwalk" and d.function not in ROUNDED]
    assert {d.right for d in undecided} <= {"pole", "kink or border", "no finite point"}
    kept = KEPT.read_text(encoding="utf-8").splitlines()
    assert set(lines(undecided)) <= set(kept)
