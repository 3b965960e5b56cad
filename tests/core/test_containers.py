"""Gradients come back in the shape of the containers that were given; value_and_grad is JAX's."""

import pytest

import engine
from engine import Value, gradient, no_grad


def test_the_gradient_has_the_shape_of_what_was_given() -> None:
    w = {"layers": [[Value(2.0), Value(3.0)], [Value(4.0)]], "bias": (Value(5.0), Value(6.0))}
    ((a, b), (c,)), (d, _) = w["layers"], w["bias"]
    found = gradient(a * b + 2 * c * c + d, w)
    assert found.keys() == w.keys()
    assert [[g.data for g in row] for row in found["layers"]] == [[3.0, 2.0], [16.0]]
    assert type(found["bias"]) is tuple
    assert [g.data for g in found["bias"]] == [1.0, 0.0]
    second = gradient(found["layers"][0][0], {"b": b})  # they can be differentiated again
    assert second["b"].data == 1.0
    assert gradient(a * b, []) == []
    assert type(gradient(a * b, (a, b))) is list  # as it was before there were other shapes
    with pytest.raises(TypeError, match="inputs takes Values of the graph, got float"):
        gradient(a * b, {"a": [a, 1.0]})
    with pytest.raises(TypeError, match="inputs is a list of Values, got set"):
        gradient(a * b, {a, b})


def loss(w, x, scale=1.0):
    return scale * (w["slope"] * x + w["offset"][0]) ** 2


def test_value_and_grad_of_numbers_gives_numbers() -> None:
    value, grad = engine.value_and_grad(loss)({"slope": 2.0, "offset": [1]}, 3.0, scale=0.5)
    assert (value, grad) == (24.5, {"slope": 21.0, "offset": [7.0]})
    assert all(type(each) is float for each in (value, grad["slope"], *grad["offset"]))
    with no_grad():
        assert engine.value_and_grad(loss)({"slope": 2.0, "offset": [1]}, 3.0)[0] == 49.0


def test_value_and_grad_by_several_arguments_and_with_more_results() -> None:
    both = engine.value_and_grad(lambda a, b, c: (a * b + c, "seen"), argnums=(0, -1), has_aux=True)
    assert both(2.0, 3.0, 4.0) == ((10.0, "seen"), (3.0, 1.0))
    assert engine.value_and_grad(lambda a, b: a * b, argnums=1)(2.0, 3.0) == (6.0, 2.0)
    assert engine.value_and_grad(lambda a: 7.0)(2.0) == (7.0, 0.0)


def test_value_and_grad_by_values_can_be_differentiated_again() -> None:
    def slope(x):
        return engine.value_and_grad(lambda x: x**3)(x)[1]

    assert engine.value_and_grad(slope)(2.0) == (12.0, 12.0)
    x = Value(2.0)
    value, grad = engine.value_and_grad(lambda x: x**3)(x)
    assert (value.data, grad.data, gradient(grad, x).data, x.grad) == (8.0, 12.0, 12.0, 0.0)


def test_value_and_grad_says_what_it_takes() -> None:
    with pytest.raises(TypeError, match=r"a function that gives one Value, got list; add up"):
        engine.value_and_grad(lambda x: [x, x])(1.0)
    with pytest.raises(TypeError, match=r"by the arguments \(1,\), got a call with 1 by position"):
        engine.value_and_grad(lambda x, y=1.0: x * y, argnums=1)(1.0)
    with pytest.raises(TypeError, match="a Value holds an int"):
        engine.value_and_grad(lambda x: x)("a")
