"""What is drawn beside a name of the reference: curves, graphs and networks, by the project."""

import inspect
import io
import random
from collections.abc import Callable
from typing import Any

import nn
from engine import Value, gradient, numeric_mode
from engine.drawing import to_svg
from nn.drawing import draw_network, draw_neuron, plot_activations, plot_decision, plot_features
from nn.drawing.figure import BLUE, DASHED, ORANGE, Figure, styled

__all__ = ["picture"]

POINTS = 241


def picture(name: str, thing: Any) -> str | None:
    """The picture of a public name as SVG, if it has one."""
    if name in PICTURES:
        made = PICTURES[name]()
        return made if isinstance(made, str) else saved(made)
    module = getattr(thing, "__module__", None) or ""
    if name.count(".") == 1 and module.startswith("engine.operations.") and name not in NONE:
        required = [p for p in inspect.signature(thing).parameters.values() if p.default is p.empty]
        if hasattr(thing, "op") and len(required) == 1:
            return saved(curve(thing))
        return graph(thing, *[argument(p, thing) for p in required])
    return None


def saved(figure: Any) -> str:
    """A figure as SVG."""
    page = io.StringIO()
    figure.savefig(page, format="svg")
    return page.getvalue()


# --- operations ----------------------------------------------------------------------------------
NONE = {f"engine.{name}" for name in ("operation", "inputs", "check_gradient", "check_operation")}
NONE |= {"engine.GradientError"}
LISTS = {"xs", "ws", "options"}


@styled
def curve(function: Any) -> Figure:
    """A function of one number and its derivative, on the interval that its row names."""
    domain: Any = function.op.domain
    low, high = domain if isinstance(domain[0], float) else domain[0]
    points = [low + (high - low) * i / (POINTS - 1) for i in range(POINTS)]
    figure = Figure(figsize=(4.2, 2.4), layout="constrained")
    axes = figure.add_subplot()
    leaves = [Value(x) for x in points]
    with numeric_mode("ieee"):
        outputs = [function(x) for x in leaves]
        slopes = [gradient(y, x).data for x, y in zip(leaves, outputs, strict=True)]
    axes.plot(points, [y.data for y in outputs], color=BLUE, lw=2, label=function.__name__)
    axes.plot(points, slopes, color=ORANGE, ls=DASHED, lw=1.8, label="its derivative")
    axes.axhline(0, color="#dddddd", lw=0.8, zorder=0)
    figure.legend(loc="outside right upper", fontsize=9)
    return figure


def argument(parameter: inspect.Parameter, function: Any) -> Any:
    """Numbers for an argument: a list of three, a choice, or one from the row's interval."""
    name = parameter.name
    if name in LISTS or parameter.kind is parameter.VAR_POSITIONAL:
        start = 4 if name == "ws" else 1
        return [Value(0.5 * i, f"{name[0]}{i}") for i in range(start, start + 3)]
    if name == "index":
        return 1
    if name == "test":
        return Value(1.0, "test")
    domains: Any = getattr(getattr(function, "op", None), "domain", (0.5, 3.0))
    position = [*inspect.signature(function).parameters].index(name)
    low, high = domains if isinstance(domains[0], float) else domains[position]
    return Value(low + 0.75 * (high - low), name)


def graph(function: Any, *arguments: Any) -> str:
    """The graph of a call, after a backward pass: values, gradients and local derivatives."""
    if any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(function).parameters.values()):
        (arguments,) = arguments
    output = function(*arguments)
    first = output[0] if isinstance(output, list) else output
    first.backward()
    return to_svg(output)


# --- networks ------------------------------------------------------------------------------------
def model(*widths: int) -> nn.MLP:
    """A small network."""
    return nn.MLP(2, [*widths], activation="tanh", rng=random.Random(7))


def moons() -> tuple[nn.MLP, list[list[float]], list[int], nn.History]:
    """A network that has learnt to tell two clouds of points apart, with the points."""
    rng = random.Random(7)
    ys = [i % 2 for i in range(60)]
    xs = [[rng.gauss(2 * y - 1, 0.8), rng.gauss(1 - 2 * y, 0.8)] for y in ys]
    trained = model(4, 2)
    history = nn.fit(
        trained, xs, ys, loss="cross_entropy", epochs=30, validation=0.3, seed=7, progress=False
    )
    return trained, xs, ys, history


def loss_of(function: Any, *more: Any) -> Callable[[], str]:
    """The graph of a loss of two outputs."""
    return lambda: graph(function, [Value(0.8, "p0"), Value(0.3, "p1")], *more)


@styled
def rates(schedule: Callable[[int], float]) -> Figure:
    """What a schedule multiplies the learning rate by, over 60 epochs."""
    figure = Figure(figsize=(4.2, 2.0), layout="constrained")
    axes = figure.add_subplot()
    axes.step(range(60), [schedule(epoch) for epoch in range(60)], color=BLUE, lw=2, where="post")
    axes.set(xlabel="epoch", ylabel="factor", ylim=(-0.05, 1.1))
    return figure


TARGETS = [1.0, 0.0]
PICTURES: dict[str, Callable[[], Any]] = {
    "engine.Value": lambda: graph(
        lambda x, weight: (x * weight).tanh(), Value(0.5, "x"), Value(1.0, "weight")
    ),
    "nn.Neuron": lambda: draw_neuron(nn.Neuron(3, "tanh", rng=7), [1.0, -0.5, 2.0]),
    "nn.Layer": lambda: draw_network(model(3), [0.5, -1.0]),
    "nn.MLP": lambda: draw_network(model(4, 3), [0.5, -1.0]),
    "nn.ACTIVATIONS": lambda: plot_activations(),
    "nn.History": lambda: moons()[3].plot(),
    "nn.mse_loss": loss_of(nn.mse_loss, TARGETS),
    "nn.mae_loss": loss_of(nn.mae_loss, TARGETS),
    "nn.huber_loss": loss_of(nn.huber_loss, TARGETS),
    "nn.poisson_loss": loss_of(nn.poisson_loss, TARGETS),
    "nn.hinge_loss": loss_of(nn.hinge_loss, [1.0, -1.0]),
    "nn.binary_cross_entropy": loss_of(nn.binary_cross_entropy, TARGETS),
    "nn.binary_cross_entropy_with_logits": loss_of(nn.binary_cross_entropy_with_logits, TARGETS),
    "nn.step_decay": lambda: rates(nn.step_decay(20)),
    "nn.exponential_decay": lambda: rates(nn.exponential_decay(0.95)),
    "nn.cosine": lambda: rates(nn.cosine(60)),
    "nn.warmup": lambda: rates(nn.warmup(10)),
    "nn.drawing.draw_network": lambda: draw_network(model(4, 3), [0.5, -1.0]),
    "nn.drawing.draw_neuron": lambda: draw_neuron(nn.Neuron(3, "relu", rng=7), [1.0, -0.5, 2.0]),
    "nn.drawing.plot_activations": lambda: plot_activations("relu", "tanh", "softmax"),
    "nn.drawing.plot_decision": lambda: plot_decision(*moons()[:3]),
    "nn.drawing.plot_features": lambda: plot_features(moons()[0]),
    "nn.drawing.plot_history": lambda: moons()[3].plot(),
    "engine.drawing.draw": lambda: graph(
        lambda x, weight, bias: (x * weight + bias).tanh(),
        *[Value(0.5, "x"), Value(1.0, "weight"), Value(0.25, "bias")],
    ),
}
