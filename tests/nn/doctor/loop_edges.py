"""More of what loops show: several layers, targets and terms, and numbers at the limits.

Places here have no line that moves, so that a report tells one from another.
"""

from collections.abc import Callable, Iterator
from typing import Any

import engine
import nn
from engine import Value
from engine.source.origin import Place
from nn import Dropout, Layer, Module
from tests.nn.doctor.edges import equal, numbered, placed
from tests.nn.doctor.loop_grids import CAUSES, Loop, dropping, model, plain, shown
from tests.nn.doctor.loop_steps import USUAL

SET = Place("set", 3)


class Held(Module[Any]):
    """A model with these attributes."""

    def __init__(self, **parts: Any) -> None:
        for name, part in parts.items():
            setattr(self, name, part)


def of(net: Any, loss: Value | None = None, **how: Any) -> Loop:
    """A loop with a model, and with a loss of its parameters if with none of its own."""
    return Loop(engine.sum(net.parameters()) if loss is None else loss, net, **(USUAL | how))


def rows(net: Any, **how: Any) -> Loop:
    """A loop whose loss is of some rows."""
    loss = {name: how.pop(name) for name in ("ys", "scale") if name in how}
    return of(net, plain(net, **loss), **how)


# --- layers and what they hold -------------------------------------------------------------------
def shared() -> Iterator[Loop]:
    """Models that hold one thing several times."""
    a, b, v, w = Layer(2, 2, "tanh", 1), Layer(2, 2, "tanh", 2), Value(0.5), Value(0.25)
    drop = Dropout(0.5, 1)
    yield of(Held(blocks=[a, b, a]))
    yield of(Held(blocks=(a, b, b, a), rest=[v, w]))
    yield of(Held(ws=[v, 1.0, v, w, v]))
    yield of(Held(drops=[drop, drop], one=a))
    yield of(Held(mixed=[drop, drop, a, a, v, v]))
    yield of(Held(mixed=[drop, drop, v, v, "x", "x"]))
    yield of(Held(inner=Held(blocks=[b, b]), blocks=[a, a]))
    yield of(Held(one=a, two=a, table={"x": v, "y": v}))
    yield of(Held(numbers=[1.0, 1.0], blocks=[a, b]))
    neurons = Layer(2, 3, "tanh", 1)
    neurons.neurons = neurons.neurons[:1] * 3
    yield of(nn.Sequential(Layer(2, 2, "tanh", 1), neurons))
    yield of(neurons)


def alike() -> Iterator[Loop]:
    """Layers whose weights are equal, or 0."""
    one = Layer(2, 3, "tanh", 1)
    for numbers in ((0.5, 0.25), (0.0, 0.25), (-0.0, 0.0)):
        yield rows(model(*equal(numbered(2, 3, 2, 1), *numbers)))
        yield rows(model(*equal(numbered(2, 3, 2, 1), *numbers)), set_at=SET)
    yield rows(model(*equal(numbered(2, 1, 3, 1), 0.5)))
    yield of(equal([one], 0.5)[0])
    yield of(equal(placed([one]), 0.0)[0])
    twice = equal(numbered(2, 3, 1), 0.5)
    twice[0].neurons = twice[0].neurons[:1] * 3
    yield rows(model(*twice))


def sized() -> Iterator[Loop]:
    """Weights of exact sizes beside the usual one, and a line that multiplied them."""
    for size in (10.0, 10.5, 0.0051, 0.0049, 0.0):
        made = numbered(4, 3, 1)
        for i, w in enumerate([w for neuron in made[0].neurons for w in neuron.w]):
            w.data = size * (-1.0) ** i
        yield rows(model(*made), sweeps=[])
        yield rows(model(*made), set_at=SET)
        yield rows(model(*made))
    for size in (20.0, 20.5, 0.01, 0.0099):  # one weight, of which the usual one is 1
        yield of(equal(placed([Layer(1, 1, "linear", 1)]), size)[0], sweeps=[])
    for scaled in (20.0, 20.5, 0.05, 0.049, 1.0):
        for fell in (0.94, 0.95, 0.5):
            yield rows(model(), set_at=SET, scaled=scaled, fell=fell)
    yield rows(model(*equal(numbered(4, 3, 1), 99.0, 99.0)), set_at=SET)
    yield rows(model(*equal(numbered(4, 3, 1), 0.25, 99.0)), set_at=SET)


def linear() -> Iterator[Loop]:
    """Linear layers, and what else the loss goes through: before, behind and beside them."""
    cube = [lambda y, *xs: 3 * xs[0] ** 2] * 3
    bends = [engine.operation(f"bend{n}", lambda *xs: xs[0] ** 3, cube[:n]) for n in (1, 2, 3)]
    for kinds in (("linear", "linear", "linear"), ("linear", "tanh", "linear"),
                  ("linear", "linear", "tanh"), ("tanh", "linear", "linear")):  # fmt: skip
        layers = [Layer(2, 3, kinds[0], 1), Layer(3, 3, kinds[1], 2), Layer(3, 1, kinds[2], 3)]
        yield rows(model(*placed(layers)))
    first, last = placed([Layer(2, 2, "linear", 1), Layer(2, 1, "linear", 2)])
    net = model(first, last)
    xs = [Value(1.0), Value(-2.0)]
    for n, bend in enumerate(bends, 1):
        yield of(net, nn.mse_loss([bend(*[net([1.0, 2.0])] * n), net([0.5, 0.0])], [1.0, 2.0]))
        yield of(net, nn.mse_loss([net([bend(*[x] * n) for x in xs])], [1.0]))
    inners: list[Callable[[Value], Value]] = [
        lambda u: u + 1.0, lambda u: u * u, lambda u: u.tanh(), lambda u: u * xs[0]
    ]  # fmt: skip
    for inner in inners:
        yield of(net, nn.mse_loss([last([inner(u) for u in first(xs)])], [1.0]))
    bent_units = numbered(2, 2, 1, kind="linear")
    for neuron in bent_units[0].neurons:
        neuron.activation = "tanh"  # which its layer does not know of
    yield rows(model(*bent_units))
    u, v = first(xs)  # one unit gets what is bent, the other one not
    (wide,) = placed([Layer(2, 2, "linear", 2)])
    pair = Held(first=first, last=wide)
    one, other = wide.neurons
    yield of(pair, (one([u, v]) + other([u.tanh(), v.tanh()]) - 1.0) ** 2)
    yield of(pair, (other([u, v]) + one([u.tanh(), v.tanh()]) - 1.0) ** 2)
    yield of(pair, (other([u, v]) + one([v, u]) - 1.0) ** 2)


def narrow() -> Iterator[Loop]:
    """Layers of one unit, first, last and between others."""
    for widths in ((2, 5, 1, 3, 1), (5, 1, 1, 1), (5, 2, 2, 1), (5, 3, 1, 1), (5, 1), (3, 1, 2, 4)):
        for fell in (0.79, 0.8):
            yield rows(model(*numbered(*widths)), fell=fell)


def strong() -> Iterator[Loop]:
    """Several Dropouts."""
    for ps in ((0.7,), (0.75, 0.5, 0.9)):
        yield of(nn.Sequential(*placed([Layer(2, 2, "tanh", 1), *[Dropout(p, 1) for p in ps]])))
    yield rows(dropping(0.7))


def penalties() -> Iterator[Loop]:
    """A term of the samples and the target, which is 1 or 121, beside others of parameters."""
    w, v, x = Value(1.0, "w"), Value(0.0, "v"), Value(2.0, "x")
    net = Held(w=w, v=v)
    near, distant = (w * x - Value(1.0, "y")) ** 2, (w * x + Value(9.0, "y")) ** 2
    yield of(net, near + (w * w + v * v))  # half of it
    yield of(net, near + 1.5 * (w * w + v * v))
    yield of(net, near + 1.5 * (w * w + v * v) - 5.0)
    yield of(net, near + (w * w + v * v) - 2.5)
    yield of(net, near + 3.0 * (w * w) - 4.0)  # 0 in all
    yield of(net, near - 3.0 * (w * w))
    yield of(net, 3.0 * (w * w) + engine.exp(v))
    yield of(net, near + w + v)
    yield of(net, near * 0.25 + w)
    yield of(net, near + 2.0 * (v + 1.0) ** 2 + 8.0 * (w * w))
    yield of(net, near + nn.l2_penalty([w, v], 2.0) - 3.0)
    for strength in (0.0999, 0.1, 0.2, -3.0):
        yield of(net, distant + nn.l2_penalty([w, v], strength))
        yield of(net, distant + strength * engine.dot([w, v], [w, v]))
        yield of(net, distant + strength * (w * w + v * v))
    yield of(net, distant + 0.2 * engine.dot([w, v], [x, x]))


# --- outputs and targets -------------------------------------------------------------------------
def paired(loss: Value, net: Any, *ys: float, **how: Any) -> Loop:
    """A loop with these targets of its outputs."""
    made = of(net, loss, **how)
    output = next((n for n in made.nodes if n in made.units and n.parents), loss)
    vars(made)["pairs"] = [(output, y) for y in ys]
    return made


def classes() -> Iterator[Loop]:
    """Targets that may be classes."""
    net = model(*numbered(2, 3, 1))
    for ys in ((0.0, 1.0, 2.0) * 2, (0.0, 1.0, 2.0, 3.0) * 2, (0.0, 1.0) * 4, (0.0, 1.0, 19.0) * 2,
               (0.0, 1.0, 2.0, 3.0, 0.0, 0.0), (0.0, 1.0, 2.0, 3.0, 0.0), (0.0, 20.0, 7.0) * 2,
               (0.0, 0.5, 1.0) * 3, (0.0, -1.0, 1.0) * 3, (21.0, 1.0, 0.0) * 3):  # fmt: skip
        yield paired(plain(net), net, *ys)
    score = net([1.0, 2.0])
    shifted = nn.binary_cross_entropy_with_logits([score - 0.5], [1.0])
    for loss in (shifted, engine.exp(score), engine.sum([score - 0.5, score * 2.0])):
        yield paired(loss, net, *(0.0, 1.0, 2.0) * 3)


def bounded() -> Iterator[Loop]:
    """Outputs that go through an activation, of layers and without one."""
    for kind in ("relu", "tanh", "sigmoid", "softplus"):
        net = model(*numbered(2, 3, 1, outer=kind))
        outputs = [net([0.5, 0.25]), net([0.25, 0.5])]
        logs = engine.sum([engine.log(x * x + 1.0) for x in outputs])
        for ys in ((0.0, 1.0), (-1.0, 1.0), (-1.5, 7.0), (0.0, 1.5)):
            yield of(net, nn.mse_loss(outputs, [*ys]))
            yield paired(logs, net, *ys)
    one, two = Value(0.5, "one"), Value(0.25, "two")
    held = Held(one=one, two=two)
    yield of(held, nn.mse_loss([one.tanh(), two.tanh()], [3.0, 0.5]))
    yield of(held, nn.mse_loss([one.tanh(), two.sigmoid()], [3.0, 0.5]))
    yield of(held, one * two)


def fed() -> Iterator[Loop]:
    """What goes into the first layer."""
    net = model(*numbered(2, 3, 2, 1))
    for size in (50.0, 50.5, -51.0, 3.0):
        yield of(net, nn.mse_loss([net([1.0, 2.0]), net([size, 0.5])], [1.0, 2.0]))
    yield of(net, nn.mse_loss([net([Value(60.0), Value(1.0)])], [1.0]))
    yield of(net, nn.mse_loss([net([Value(60.0) * 1.0, Value(1.0)])], [1.0]))
    yield of(Held(w=Value(1.0)), Value(60.0) * 2.0)
    yield rows(model(*numbered(1, 2, 1)), scale=60.0, loops=[])
    layer = Layer(1, 2, "linear", 1)
    yield of(layer, layer.neurons[0]([70.0]) + layer.neurons[1]([80.0]) * 2.0)


def far() -> Iterator[Loop]:
    """Targets that are large, and so many of them."""
    net = model(*numbered(2, 3, 1))
    for ys in ((25.0, 0.0, 1.0, 2.0), (25.5, 0.0, 1.0, 2.0), (0.0, 1.0, -25.5, 2.0),
               (99.0, 1.0, 2.0), (99.0, 0.0, 1.0, 2.0, 3.0)):  # fmt: skip
        yield rows(net, ys=[*ys])
        yield paired(engine.sum([engine.log(net([1.0, 2.0]) ** 2 + 1.0)]), net, *ys)
    yield of(net, net([1.0, 2.0]))


EDGES: dict[str, Callable[[], Iterator[Loop]]] = {
    "shared_weights": shared,
    "equal_weights": alike,
    "init_too_large": sized,
    "no_activation": linear,
    "too_narrow": narrow,
    "dropout_too_strong": strong,
    "penalty_too_strong": penalties,
    "mse_for_classes": classes,
    "activation_on_output": bounded,
    "inputs_not_scaled": fed,
    "targets_not_scaled": far,
}


def answers(name: str) -> Iterator[str]:
    """What a cause says of each of its edges."""
    for facts in EDGES[name]():
        yield from [shown(each) for each in CAUSES[name](facts)] or ["-"]
