"""Faults of the network: its first weights, its activations, its width, what reaches its layers."""

from tests.benchmarks.doctor.fault import Fault, after_model, mlp, own, swap
from tests.benchmarks.doctor.parts import DROPOUT, OWN_OPERATIONS
from tests.benchmarks.doctor.trainings import Training

__all__ = ["NETWORKS"]


def _relu(training: Training) -> bool:
    return mlp(training) and training.activation == "relu"


def _squashing(training: Training) -> bool:
    return mlp(training) and training.activation == "tanh"


def _logits(training: Training) -> bool:
    return mlp(training) and training.data.loss != "binary_cross_entropy"


def _dropout(training: Training) -> bool:
    return training.model == DROPOUT


def _operations(training: Training) -> bool:
    return training.model == OWN_OPERATIONS


def _set(line: str, module: str = "model") -> tuple[tuple[str, str]]:
    return after_model(f"for p in {module}.parameters():", f"    {line}")


ACTIVATION = r'(?<=activation=)"\w+"'
SECOND = r"(?<=hidden = )self.second\(hidden\)"
SET = r"\.data \*?= "
NETWORKS = [
    Fault(
        "dead_relu",
        after_model("for neuron in model.layers[0].neurons:", "    neuron.b.data = -30.0"),
        at=SET,
        on=_relu,
    ),
    Fault(
        "dead_relu",
        (
            *swap(r"import StandardScaler", "import MinMaxScaler"),
            *swap(r"StandardScaler\(\)", "MinMaxScaler()"),
            *_set("p.data = -abs(p.data)", "model.layers[0]"),
        ),
        at=SET,
        on=_relu,
    ),
    Fault("init_too_large", _set("p.data *= 100.0"), frozenset({"saturated"}), at=SET),
    Fault("init_too_small", _set("p.data *= 1e-4"), at=SET),
    Fault("equal_weights", _set("p.data = 0.5"), at=SET),
    Fault("zero_weights", _set("p.data = 0.0"), frozenset({"equal_weights"}), at=SET),
    Fault("no_activation", swap(ACTIVATION, '"linear"'), on=mlp),
    Fault("activation_on_output", swap(r'output="linear"', 'output="relu"'), on=_logits),
    Fault("activation_on_output", swap(r'output="linear"', 'output="tanh"'), on=_logits),
    Fault("too_narrow", swap(r"\[[\d, ]+\](?=, activation)", "[1, {n_out}]"), on=mlp),
    Fault(
        "dropout_too_strong",
        swap(r"Dropout\(0.5\)", "Dropout(0.98)"),
        on=_dropout,
    ),
    Fault(
        "dropout_at_evaluation",
        swap(r"^model.eval\(\)\n", ""),
        at=r"model\(x\)",
        on=_dropout,
    ),
    Fault(
        "shared_weights",
        after_model(
            "layer = model.layers[0]", "layer.neurons = layer.neurons[:1] * len(layer.neurons)"
        ),
        at=r"layer.neurons = ",
        on=mlp,
    ),
    Fault(
        "detached",
        swap(SECOND, "[unit.detach() for unit in self.second(hidden)]"),
        on=own,
    ),
    Fault(
        "detached",
        swap(SECOND, "[Value(unit.data) for unit in self.second(hidden)]"),
        says="data of .* depends on an input|never",
        on=own,
    ),
    Fault(
        "unreached",
        swap(r"hidden = self.second\(hidden\)", "self.second(hidden)"),
        at=r"self\.second",
        on=own,
    ),
    Fault(
        "wrong_partial",
        swap(r"lambda y, x: 1.0", "lambda y, x: -1.0"),
        on=_operations,
    ),
    Fault(
        "wrong_partial",
        swap(r"lambda y, a, b: -2.0 \* a", "lambda y, a, b: 2.0 * a"),
        on=_operations,
    ),
]
