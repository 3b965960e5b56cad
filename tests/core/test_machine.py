"""A long life of graphs, step by step, against a naive model: the sum over all paths.

All numbers are small whole numbers (and halves), so that every sum and product is exact in floats
and whatever the engine holds must equal what the model holds, to the bit.
"""

import weakref
from collections.abc import Callable, Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import engine
from engine import StaleValueError, Value, gradient, jvp

WHOLE = st.integers(-3, 3).map(float)
PICK = st.integers(0, 1 << 20)  # an index, taken modulo what there is


def is_short(x: float) -> bool:
    """Whether a float has few digits on either side of the point."""
    return abs(x) < 2**24 and (x * 2**12).is_integer()


def _ties(xs: tuple[float, ...], best: float) -> list[float]:
    return [(x == best) / xs.count(best) for x in xs]


# For each operation: on Values, on floats, and the local derivatives.
Rule = tuple[Callable[..., Value], Callable[..., float], Callable[..., list[float]]]
UNARY: dict[str, Rule] = {
    "neg": (lambda a: -a, lambda a: -a, lambda a: [-1.0]),
    "square": (lambda a: a**2, lambda a: a * a, lambda a: [2 * a]),
    "cube": (lambda a: a**3, lambda a: a**3, lambda a: [3 * a * a]),
    "relu": (engine.relu, lambda a: max(a, 0.0), lambda a: [float(a > 0)]),
    "abs": (abs, abs, lambda a: [float((a > 0) - (a < 0))]),
    "half": (lambda a: a / 2, lambda a: a / 2, lambda a: [0.5]),
    "shift": (lambda a: 3 - a, lambda a: 3 - a, lambda a: [-1.0]),
    "triple": (lambda a: 3 * a, lambda a: 3 * a, lambda a: [3.0]),
    "clamp": (
        lambda a: engine.clamp(a, -2, 2),
        lambda a: min(max(a, -2.0), 2.0),
        lambda a: [float(-2 < a < 2)],
    ),
}
BINARY: dict[str, Rule] = {
    "add": (lambda a, b: a + b, lambda a, b: a + b, lambda a, b: [1.0, 1.0]),
    "sub": (lambda a, b: a - b, lambda a, b: a - b, lambda a, b: [1.0, -1.0]),
    "mul": (lambda a, b: a * b, lambda a, b: a * b, lambda a, b: [b, a]),
    "dot": (
        lambda a, b: engine.dot([a, b], [b, a], bias=a),
        lambda a, b: 2 * a * b + a,
        lambda a, b: [2 * b + 1, 2 * a],
    ),
    "maximum": (engine.maximum, max, lambda a, b: _ties((a, b), max(a, b))),
    "minimum": (engine.minimum, min, lambda a, b: _ties((a, b), min(a, b))),
    "sum": (
        lambda a, b: engine.sum([a, b, a]),
        lambda a, b: a + b + a,
        lambda a, b: [2.0, 1.0],
    ),
}


class Twin:
    """A Value of the engine, and what the model holds it to be."""

    def __init__(self, real: Value, data: float, links: list[tuple["Twin", float]]) -> None:
        self.real, self.data, self.links = real, data, links
        self.grad = 0.0
        self.stale = False  # one of its parents was changed

    def below(self) -> set["Twin"]:
        found, todo = {self}, [self]
        while todo:
            fresh = {parent for parent, _ in todo.pop().links} - found
            found |= fresh
            todo += fresh
        return found

    def paths(self, product: float) -> Iterator[tuple["Twin", float]]:
        """Every path down from here, as the node it ends at and the product along it."""
        yield self, product
        for parent, local in self.links:
            yield from parent.paths(product * local)

    def count(self) -> int:
        return 1 + sum(parent.count() for parent, _ in self.links)


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.twins: list[Twin] = []

    def at(self, pick: int) -> Twin:
        return self.twins[pick % len(self.twins)]

    def everything(self) -> set[Twin]:
        return {node for twin in self.twins for node in twin.below()}

    @initialize(x=WHOLE)
    def first_leaf(self, x: float) -> None:
        self.leaf(x)

    @rule(x=WHOLE)
    def leaf(self, x: float) -> None:
        self.twins.append(Twin(Value(x), x, []))

    def apply(self, rules: Rule, *args: Twin) -> None:
        on_values, on_floats, locals_of = rules
        xs = [arg.data for arg in args]
        data = on_floats(*xs)
        if sum(arg.count() for arg in args) > 300:  # the model looks at each path
            return
        links = list(zip(args, locals_of(*xs), strict=True))
        twin = Twin(on_values(*(arg.real for arg in args)), data, links)
        products = [product for _, product in twin.paths(1.0)]
        if sum(map(abs, products)) < 2**24 and all(map(is_short, [data, *products])):
            self.twins.append(twin)  # else some sum might round

    @rule(name=st.sampled_from(sorted(UNARY)), pick=PICK)
    def fuse_one(self, name: str, pick: int) -> None:
        self.apply(UNARY[name], self.at(pick))

    @rule(name=st.sampled_from(sorted(BINARY)), one=PICK, other=PICK)
    def fuse_two(self, name: str, one: int, other: int) -> None:
        self.apply(BINARY[name], self.at(one), self.at(other))

    @rule(name=st.sampled_from(["add", "sub", "mul", "dot", "maximum", "sum"]), pick=PICK)
    def fuse_with_itself(self, name: str, pick: int) -> None:
        self.apply(BINARY[name], self.at(pick), self.at(pick))

    @rule(pick=PICK)
    def detach(self, pick: int) -> None:
        twin = self.at(pick)
        self.twins.append(Twin(twin.real.detach(), twin.data, []))

    @rule(pick=PICK, seed=st.sampled_from([1.0, -1.0, 2.0, 0.5, 3.0, 0.0]))
    def backward(self, pick: int, seed: float) -> None:
        twin = self.at(pick)
        if any(node.stale for node in twin.below()):
            with pytest.raises(StaleValueError, match="was changed after"):
                twin.real.backward(seed)
            return
        twin.real.backward(seed)
        for node, product in twin.paths(seed):
            node.grad += product

    @rule(pick=PICK, other=PICK)
    def differentiate_without_a_trace(self, pick: int, other: int) -> None:
        """The functions that return gradients agree with the paths too, and leave no grad."""
        output, by = self.at(pick), self.at(other)
        if any(node.stale for node in output.below()):
            for attempt in (lambda: gradient(output.real, by.real), lambda: jvp(output.real, {})):
                with pytest.raises(StaleValueError):
                    attempt()
            return
        wanted = sum(product for node, product in output.paths(1.0) if node is by)
        assert gradient(output.real, by.real).data == wanted
        assert jvp(output.real, {by.real: 1.0}).data == wanted

    @rule(pick=PICK)
    def zero_grad(self, pick: int) -> None:
        twin = self.at(pick)
        twin.real.zero_grad()
        for node in twin.below():
            node.grad = 0.0

    @rule(pick=PICK, x=WHOLE)
    def set_grad_of_one(self, pick: int, x: float) -> None:
        """As an optimiser does that zeroes or clips a parameter's gradient by hand."""
        twin = self.at(pick)
        twin.real.grad = twin.grad = x

    @rule(pick=PICK, x=WHOLE)
    def change_a_leaf(self, pick: int, x: float) -> None:
        leaves = [twin for twin in self.twins if not twin.links]
        if leaves:
            leaf = leaves[pick % len(leaves)]
            leaf.real.data = leaf.data = x
            for node in self.everything():
                node.stale = node.stale or any(parent is leaf for parent, _ in node.links)

    @rule(pick=PICK, x=WHOLE)
    def no_result_can_be_changed(self, pick: int, x: float) -> None:
        twin = self.at(pick)
        if twin.links:
            with pytest.raises(AttributeError, match="cannot be set"):
                twin.real.data = x

    @precondition(lambda self: len(self.twins) > 1)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        """What nobody needs is freed at once, without the cycle collector; the rest stays."""
        twin = self.twins.pop(pick % len(self.twins))
        needed = self.everything()
        gone = [weakref.ref(node.real) for node in twin.below() - needed]
        twin = None  # type: ignore[assignment]
        assert all(ref() is None for ref in gone)

    @invariant()
    def all_numbers_are_what_the_model_says(self) -> None:
        for twin in self.everything():
            assert twin.real.data == twin.data
            assert twin.real.grad == twin.grad


TestLife = Life.TestCase
