"""Faults in loops of one's own: each is planted in a healthy script, and named with its line."""

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

import nn
from engine import numeric_mode
from engine.explain.report import Report
from tests.nn.doctor.reports import compare

HEAD = """\
import random
import engine
import nn
from engine import Value, numeric_mode
from nn import MLP, SGD, Adam, Dropout, Layer, Module, Sequential

rng = random.Random(SEED)
xs = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(60)]
ys = [float(x[0] + x[1] * x[2] > 0) for x in xs]
numbers = [x[0] - 0.5 * x[1] for x in xs]
"""
BATCHES = """\
model = MLP(3, [8, 1], activation="tanh", rng=SEED)
optimizer = Adam(model.parameters(), lr=0.02)
order = list(range(60))
for epoch in range(12):
    rng.shuffle(order)
    for start in range(0, 60, 12):
        batch = order[start : start + 12]
        outputs = [model(xs[i]) for i in batch]
        loss = nn.binary_cross_entropy_with_logits(outputs, [ys[i] for i in batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
BY_HAND = """\
model = MLP(3, [6, 1], activation="tanh", rng=SEED)
for step in range(30):
    outputs = [model(x) for x in xs]
    loss = nn.mse_loss(outputs, numbers)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
"""
NET = """\
class Net(Module):
    def __init__(self):
        self.first = Layer(3, 6, "tanh", SEED)
        self.second = Layer(6, 6, "tanh", SEED + 1)
        self.last = Layer(6, 1, "linear", SEED + 2)

    def __call__(self, x):
        hidden = self.first(x)
        hidden = self.second(hidden)
        return self.last(hidden)

model = Net()
optimizer = SGD(model.parameters(), lr=0.1)
for step in range(20):
    loss = nn.mse_loss([model(x) for x in xs], numbers)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
OWN = """\
squash = engine.operation("squash", lambda x: x / (1 + abs(x)), lambda y, x: 1 / (1 + abs(x)) ** 2)
gate = engine.operation("gate", lambda a, b: a * b, [lambda y, a, b: b, lambda y, a, b: a])
w, b = Value(0.5, "w"), Value(0.1, "b")
model = [w, b]
for step in range(20):
    loss = engine.mean([(gate(squash(w * x[0]), b) - y) ** 2 for x, y in zip(xs, numbers)])
    for p in model:
        p.grad = 0.0
    loss.backward()
    for p in model:
        p.data -= 0.1 * p.grad
"""
DROPPED = """\
model = Sequential(Layer(3, 12, "tanh", SEED), Dropout(0.3, SEED), Layer(12, 1, "linear", SEED))
optimizer = Adam(model.parameters(), lr=0.02)
for step in range(30):
    loss = nn.binary_cross_entropy_with_logits([model(x) for x in xs], ys)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
guesses = [model(x).data > 0 for x in xs]
"""
LINE = BY_HAND.replace("[6, 1]", "[1]")
SCRIPTS = {
    "line": LINE,
    "dropped": DROPPED,
    "batches": BATCHES,
    "by hand": BY_HAND,
    "net": NET,
    "own": OWN,
}


def run(text: str, folder: Path, seed: int = 3) -> tuple[Report, Path]:
    path = folder / "train.py"
    path.write_text(text.replace("SEED", str(seed)), encoding="utf-8")
    names: dict[str, Any] = {}
    with warnings.catch_warnings(action="ignore"):
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    exec("import nn; report = nn.diagnose(loss, model)", names)  # where its variables are
    return names["report"], path


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", SCRIPTS)
def test_in_a_healthy_loop_nothing_is_found(name: str, seed: int, tmp_path: Path) -> None:
    report, _ = run(HEAD + SCRIPTS[name], tmp_path, seed)
    assert report.causes == (), report
    compare(f"healthy: {name} {seed}", report)
    assert "losses of the loop" in str(report)


SET, BEFORE, TERM = "p.data", "(?=optimizer = Adam)", "(?=        optimizer.zero_grad)"
PENALTY = "nn.l2_penalty(model.parameters(), 1e-3)"
DEAD = "for n in model.layers[0].neurons: n.b.data = -30.0"
SUM = "engine.sum([(o - y) ** 2 for o, y in zip(outputs, numbers)])"
ITEMS = "for layer in model.layers: layer.neurons = layer.neurons[:1] * len(layer.neurons)"


def each(body: str) -> str:
    return f"for p in model.parameters(): {body}\n"


def line(body: str) -> str:
    return f"        {body}\n"


IN_BATCHES = [
    ("no_zero_grad", r"        optimizer.zero_grad\(\)\n", "", "backward()"),
    ("no_step", r"        optimizer.step\(\)\n", "", "backward()"),
    ("other_parameters", "(optimizer = .*\n)", r"\1model = MLP(3, [8, 1], rng=9)\n", "Adam"),
    ("shared_weights", BEFORE, f"{ITEMS}\n", "layer.neurons ="),
    ("term_twice", TERM, line(f"for _ in range(2): loss = loss + {PENALTY}"), "loss + nn"),
    ("term_twice", TERM, line(f"r = {PENALTY}; loss = loss + r + r"), "+ r + r"),
    ("lr_too_high", "lr=0.02", "lr=5.0", "lr=5.0"),
    ("lr_too_low", "lr=0.02", "lr=1e-6", "lr=1e-6"),
    ("too_few_epochs", r"range\(12\)", "range(1)", "range(1)"),
    ("batch_too_large", r"(60,|start \+) 12", r"\1 60", "for start"),
    ("dead_relu", '"tanh"(.*\n)', rf'"relu"\1{DEAD}\n', "n.b.data"),
    ("equal_weights", BEFORE, each("p.data = 0.5"), SET),
    ("zero_weights", BEFORE, each("p.data = 0.0"), SET),
    ("init_too_large", BEFORE, each("p.data *= 100.0"), SET),
    ("no_activation", '"tanh"', '"linear"', '"linear"'),
    ("activation_on_output", '"tanh"', '"tanh", output="relu"', "relu"),
    ("penalty_too_strong", TERM, line(f"loss = loss + 1000 * {PENALTY}"), "1000"),
    (
        "clip_too_strong",
        "(?=        optimizer.step)",
        line("nn.clip_grad_norm(model.parameters(), 1e-4)"),
        "clip_grad",
    ),
]
FROZEN = "model.layers[0].requires_grad_(False)"
IN_BATCHES += [
    (
        "frozen_layer",
        r"optimizer = Adam\(model.p",
        f"{FROZEN}\noptimizer = Adam(model.trainable_p",
        "req",
    ),
    (
        "not_shuffled",
        r"    rng.shuffle\(order\)",
        "    order.sort(key=ys.__getitem__)",
        "for start",
    ),
    ("batch_too_small", r"(60,|start \+) 12", r"\1 1", "for start"),
    ("init_too_small", BEFORE, each("p.data *= 1e-5"), SET),
    ("too_narrow", r"\[8, 1\]", "[1, 1]", "MLP"),
    ("constant_labels", BEFORE, "ys = [1.0] * 60\n", "loss ="),
    ("inputs_not_scaled", BEFORE, "xs = [[1e4 * x[0], *x[1:]] for x in xs]\n", "for epoch"),
]
FAULTS = [(name, "batches", *rest) for name, *rest in IN_BATCHES]
SECOND = r"self.second\(hidden\)"
FAULTS += [
    ("no_zero_grad", "by hand", r"    model.zero_grad\(\)\n", "", "backward()"),
    ("no_step", "by hand", "p.data -= ", "p.data - ", "backward()"),
    ("sum_not_mean", "by hand", r"nn.mse_loss\(.*", SUM, "engine.sum"),
    ("lr_too_low", "by hand", "-= 0.1", "-= 1e-5", "-= 1e-5"),
    ("unreached", "net", "hidden = self.second", "self.second", "self.second(hidden)"),
    ("detached", "net", SECOND, "[u.detach() for u in self.second(hidden)]", "detach"),
    ("detached", "net", SECOND, "[Value(u.data) for u in self.second(hidden)]", ".data"),
    ("dropout_at_evaluation", "dropped", r"model.eval\(\)\n", "", "guesses ="),
    ("dropout_too_strong", "dropped", r"Dropout\(0.3", "Dropout(0.95", "Dropout(0.95"),
    ("targets_not_scaled", "net", "numbers\\)", "[1e3 * y for y in numbers])", "mse_loss"),
    ("mse_for_classes", "net", "numbers\\)", "[i % 4 for i in range(60)])", "mse_loss"),
    ("detached", "own", r"squash\(w \* x\[0\]\)", "float(squash(w * x[0]))", "float"),
    ("wrong_partial", "own", "y, x: 1 /", "y, x: -1 /", "squash ="),
    ("wrong_partial", "own", r"y, a, b: a\]", "y, a, b: -a]", "gate ="),
]


@pytest.mark.parametrize(("name", "where", "old", "new", "on"), FAULTS)
def test_a_fault_is_named_first_with_its_line(
    name: str, where: str, old: str, new: str, on: str, tmp_path: Path
) -> None:
    text, many = re.subn(old, new, SCRIPTS[where])
    assert many
    report, path = run(HEAD + text, tmp_path)
    first = report.causes[0]
    assert first.name == name, report
    assert first.place is not None, report
    assert first.place.file == str(path)
    assert on in path.read_text().splitlines()[first.place.line - 1], report
    assert "a loop of one's own" in str(report)
    compare(f"{name}, {where}: {new}", report)


NUMBERS = [
    ("log_of_zero", "engine.log(w - w)", "0.0"),
    ("log_of_zero", "-(engine.log(1 - engine.sigmoid(w * 1000)))", "1.0"),
    ("exp_overflow", "engine.exp(w * 1000)", "1.0"),
    ("zero_times_inf", "w * 0 * engine.log(w - 1)", "1.0"),
    ("sqrt_at_zero", "engine.sqrt(w * w)", "0.0"),
    ("sqrt_at_zero", "(w * w) ** 0.5", "0.0"),
    ("zero_deviation", "w / engine.std([w, w * 1.0])", "1.0"),
    ("zero_divisor", "1 / (w - 1)", "1.0"),
    ("nan_inputs", "w * Value(float('nan'))", "1.0"),
]


@pytest.mark.parametrize(("name", "formula", "at"), NUMBERS)
def test_what_is_not_finite_is_named_with_its_line(
    name: str, formula: str, at: str, tmp_path: Path
) -> None:
    text = f"w = Value({at}, 'w')\nmodel = [w]\nwith numeric_mode('ieee'):\n    loss = {formula}\n"
    report, path = run(HEAD + text, tmp_path)
    first = report.causes[0]
    assert first.name == name, report
    assert first.place is not None
    assert path.read_text().splitlines()[first.place.line - 1].startswith("    loss = ")
    compare(f"numbers: {formula}", report)


def test_it_can_be_asked_after_a_step_and_changes_nothing() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    loss = nn.mse_loss([model([0.5, 1.0]), model([1.0, -1.0])], [1.0, 0.0])
    loss.backward()
    optimizer.step()
    before = [(p.data, p.grad) for p in model.parameters()]
    assert not nn.diagnose(loss, model)
    assert [(p.data, p.grad) for p in model.parameters()] == before


def test_weights_that_are_too_large_are_seen_before_the_first_step() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
    for parameter in model.layers[0].parameters():
        parameter.data *= 60.0
    loss = nn.mse_loss([model([0.5, 1.0]), model([1.0, -1.0])], [1.0, 0.0])
    assert nn.diagnose(loss, model).of("init_too_large")


@pytest.mark.parametrize(
    ("size", "name"), [(0.1, ""), (1.5, ""), (2.5, "init_too_large"), (5e-4, "init_too_small")]
)
def test_first_weights_are_measured_by_how_many_there_are(size: float, name: str) -> None:
    model = nn.MLP(100, [3, 1], activation="tanh", rng=1)
    for i, neuron in enumerate(model.layers[0].neurons):
        for j, w in enumerate(neuron.w):
            w.data = size * (-1) ** (i * j)
    loss = nn.mse_loss(model([0.01 * i for i in range(100)]), 0.5)
    report = nn.diagnose(loss, model)
    sizes = [each for each in report.causes if each.name.startswith("init_too")]
    assert [each.name for each in sizes] == [name] * bool(name)
    assert all(0.0 <= cause.weight <= 1.0 for cause in report.causes)
    compare(f"weights of {size}", report)


def test_gradients_of_several_losses_in_one_step_are_meant_so() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        for x, y in (([0.5, 1.0], 1.0), ([1.0, -1.0], 0.0)):
            loss = nn.mse_loss(model(x), y)
            loss.backward()
        optimizer.step()
    assert not nn.diagnose(loss, model).of("no_zero_grad")


def test_what_is_set_by_hand_beside_an_optimiser_is_not_frozen() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
    optimizer = nn.SGD(model.layers[0].parameters(), lr=0.1)
    own = model.layers[1].parameters()
    for sets in ([], own[:1], own):
        for _ in range(4):
            loss = nn.mse_loss([model([0.5, 1.0]), model([1.0, -1.0])], [1.0, 0.0])
            model.zero_grad()
            loss.backward()
            optimizer.step()
            for p in sets:
                p.data -= 0.1 * p.grad
        (*frozen,) = nn.diagnose(loss, model).of("frozen_layer")
        left = [p for p in own if p not in sets]
        assert [value for cause in frozen for value in cause.values] == left
        assert [f"{len(left)} of 13 parameters" in cause.seen for cause in frozen] == [True] * bool(
            left
        )


def test_a_model_elsewhere_in_the_process_does_no_harm() -> None:
    def train(lr: float) -> Report:
        model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
        optimizer = nn.SGD(model.parameters(), lr=lr)
        for _ in range(8):
            loss = nn.mse_loss([model([0.5, 1.0]), model([1.0, -1.0])], [1.0, 0.0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return nn.diagnose(loss, model)

    train(0.0)
    healthy = train(0.1)
    assert not healthy
    assert "8 losses of the loop" in str(healthy)


def test_lines_of_the_library_are_never_named() -> None:
    with numeric_mode("ieee"):
        model = nn.MLP(2, [2, 1], activation="tanh", rng=1)
        model.layers[0].neurons[0].w[0].data = float("inf")
        report = nn.diagnose(nn.mse_loss([model([0.0, 1.0])], [1.0]), model)
    assert report.finding is not None
    assert "made at test_loops.py:" in str(report.finding) or report.finding.kind == "leaf"
    assert "nn/models" not in str(report)
