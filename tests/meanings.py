"""What pictures, steps, listings and reports mean, apart from how they are written: kept for each
version, so that a later one that means something else is noticed.

`python -m tests.meanings` writes what they mean now to tests/data/meanings, under the number of the
version. Do so once, when a version is released; a file is never written again but deliberately,
with --again.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygraphviz

import engine
from engine import Program, Value, gradient, numeric_mode
from engine.drawing import explain
from engine.explain.diagnose import diagnose
from engine.explain.report import Report
from engine.stepping import Step, hunt
from nn import MLP, binary_cross_entropy_with_logits, cross_entropy, mse_loss

FOLDER = Path(__file__).parent / "data" / "meanings"


def neuron() -> tuple[Value, list[Value]]:
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    product = x * w
    return (product + b).tanh(), [x, w, b]


def dead() -> tuple[Value, list[Value]]:
    x, w = Value(2.0, "x"), Value(-3.0, "w")
    hidden = engine.relu(x * w)
    return hidden**2 + engine.log(x), [x, w]


def scores() -> tuple[Value, list[Value]]:
    xs = [Value(float(i), f"x{i}") for i in range(4)]
    shares = engine.softmax(xs)
    return cross_entropy([xs], [2]) + engine.dot(shares, shares), xs


def branch() -> tuple[Value, list[Value]]:
    a, b = engine.inputs("a", "b")
    a.data, b.data = 0.5, -1.5
    inside = engine.where(a > b, engine.sqrt(a), b)
    return engine.maximum(inside, b) * engine.clamp(a * b, -0.5, 0.5) / engine.norm([a, b]), [a, b]


def network() -> tuple[Value, list[Value]]:
    model = MLP(2, [3, 1], activation="relu", rng=1)
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (i % 5 - 2) / 4
    outputs = [model([Value(0.5, "x0"), Value(-1.0, "x1")]), model([2.0, 1.0])]
    return mse_loss(outputs, [1.0, -1.0]), model.parameters()


GRAPHS = {each.__name__: each for each in (neuron, dead, scores, branch, network)}


def picture(loss: Value, leaves: list[Value], **how: Any) -> dict[str, Any]:
    """The labels of what is drawn, and which arrows go from where to where."""
    drawn = pygraphviz.AGraph(string=loss.to_dot(**how))
    label = {n: n.attr["label"] for n in drawn.nodes() if n.attr["class"] != "legend"}
    arrows = [e for e in drawn.edges() if {*e} <= {*label}]
    return {
        "shapes": sorted(f"{node.attr['class']}: {text}" for node, text in label.items()),
        "arrows": sorted(f"{label[a]} -> {label[b]}" for a, b in arrows),
        "derivatives": sorted(e.attr["label"] or "" for e in arrows),
    }


def numbers(step: Step) -> tuple[float, ...]:
    return step.position, step.upstream, step.local, step.before, step.after


def steps(loss: Value, leaves: list[Value]) -> list[Any]:
    """What each step adds to what, and the gradients of the leaves at the end."""
    found = [
        [str(s.node.op), str(s.parent.label or s.parent.op), *numbers(s)]
        for s in loss.backward_steps()
    ]
    return [*found, [leaf.grad for leaf in leaves]]


def listing(loss: Value, leaves: list[Value]) -> dict[str, Any]:
    """Which operations the native program of the loss and its gradients has, and its numbers."""
    program = Program(leaves, [loss, *gradient(loss, leaves)])
    names = re.findall(r"= (?:(\w+)\(|L\d+ (\(.*?\) @))", program.listing())
    row = [leaf.data for leaf in leaves]
    return {"operations": sorted({*map("".join, names)}), "row": program([row]).tolist()}


def words(text: object) -> dict[str, int]:
    """The numbers and words of a report, however they are arranged."""
    return dict(sorted(Counter(re.findall(r"-?\d[\d.e+-]*\b|\w+", str(text))).items()))


def reports() -> dict[str, Any]:
    loss, (_, w) = dead()
    x = Value(-500.0, "x")
    with numeric_mode("ieee"):
        shares = engine.softmax([x, Value(500.0)])
        values, pole = -engine.log(shares[0]), engine.sqrt(x - x)
    return {
        "explain": words(explain(loss, w)),
        "explain all": words(explain(neuron()[0])),
        "hunt values": found(hunt(values)),
        "hunt gradients": found(hunt(pole)),
        "hunt nothing": found(hunt(neuron()[0])),
        **{f"diagnose {name}": causes(fault()) for name, fault in FAULTS.items()},
    }


def found(finding: Any) -> Any:
    if finding is None:
        return None
    made = [finding.kind, str(finding.node.op), finding.position, finding.local]
    return [*made, finding.remedy]


def causes(report: Report) -> list[str]:
    return [cause.name for cause in report.causes]


def dead_network() -> Report:
    model = MLP(2, [3, 1], activation="relu", rng=1)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -100.0
    return diagnose(mse_loss([model([1.0, 2.0])], [1.0]), model)


def unreached() -> Report:
    x, w, other = Value(1.0), Value(2.0, "w"), Value(3.0, "other")
    return diagnose((x * w - 1.0) ** 2, [w, other])


def saturated() -> Report:
    model = MLP(2, [3, 1], activation="tanh", rng=1)
    scores = [model([400.0, -700.0]), model([-900.0, 300.0])]
    return diagnose(binary_cross_entropy_with_logits(scores, [1, 0]), model)


FAULTS = {each.__name__: each for each in (dead_network, unreached, saturated)}
VIEWS: dict[str, Callable[..., Any]] = {"picture": picture, "steps": steps, "listing": listing}


def meanings() -> dict[str, Any]:
    """By name what each of them means now, as JSON has it."""
    every: dict[str, Any] = {
        f"{name} of {graph}": view(*GRAPHS[graph]())
        for graph in GRAPHS
        for name, view in VIEWS.items()
    }
    every["picture of network, collapsed"] = picture(*network(), collapse=2)
    every |= reports()
    return dict(json.loads(json.dumps(every)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.meanings")
    parser.add_argument("--again", action="store_true", help="write over what was kept")
    path = FOLDER / f"{engine.__version__}.json"
    if path.exists() and not parser.parse_args().again:
        sys.exit(f"{path} is there; what it holds changes for users, so say --again if it has to")
    lines = [f"{json.dumps(name)}: {json.dumps(what)}" for name, what in meanings().items()]
    path.parent.mkdir(exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
