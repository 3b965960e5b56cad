"""Faults of the loss: one for other outputs or targets, and one that counts wrong."""

from tests.benchmarks.doctor.fault import (
    Edit,
    Fault,
    On,
    after_model,
    by_fit,
    in_loop,
    logits,
    mlp,
    own,
    several,
    sgd,
    swap,
)
from tests.benchmarks.doctor.trainings import Training

__all__ = ["LOSSES", "own_loss"]

LINEAR, SIGMOID, SOFTMAX = 'output="linear"', 'output="sigmoid"', 'output="softmax"'
BINARY = "binary_cross_entropy"
NAMED = r'loss="\w+"'
CALLED = r"nn\.\w+\(outputs, (targets|ys)\)"
MATCHED = r"loss=|nn\.\w+\(outputs|output="  # the loss, or what it should go with


def _of(loss: str) -> On:
    """The MLPs with this loss."""
    return lambda training: mlp(training) and training.data.loss == loss


def _summed(training: Training) -> bool:
    return sgd(training) and len(training.hidden) < 4


def own_loss(*lines: str) -> dict[On, tuple[Edit, ...]]:
    """A loss of one's own for a row, `own`, in `fit` and in a loop."""
    rows = r"engine.mean([own(output, target) for output, target in zip(outputs, \1)])"
    made = after_model(*lines, "", "")
    return {by_fit: (*made, *swap(NAMED, "loss=own")), in_loop: (*made, *swap(CALLED, rows))}


SUM = "engine.sum([nn.{function}(output, target) for output, target in zip(outputs, targets)])"
TWICE = "(output + output + output - target) ** 2"  # a third of it would do
LOSSES = [
    Fault(
        "softmax_twice", swap(LINEAR, SOFTMAX), says="softmax", at=MATCHED, on=_of("cross_entropy")
    ),
    Fault(
        "sigmoid_twice",
        swap(LINEAR, SIGMOID),
        says="sigmoid",
        at=MATCHED,
        on=(mlp, logits),
    ),
    Fault(
        "sigmoid_missing",
        swap(SIGMOID, LINEAR),
        says="sigmoid|probabilit",
        at=MATCHED,
        on=_of(BINARY),
    ),
    Fault(
        "softmax_twice",
        swap(r"return self.last\(hidden\)", "return engine.softmax(self.last(hidden))"),
        says="softmax",
        at=rf"{MATCHED}|engine\.softmax",
        on=(own, several),
    ),
    Fault(
        "sigmoid_twice",
        swap(r"return self.last\(hidden\)", "return engine.sigmoid(self.last(hidden))"),
        says="sigmoid",
        at=rf"{MATCHED}|engine\.sigmoid",
        on=(own, logits),
    ),
    Fault(
        "mse_for_classes",
        (
            *swap(r", {n_out}\](?=, activation)", ", 1]"),
            *swap(rf"{NAMED}", 'loss="mse"'),
            *swap(r"nn.accuracy.*", "np.mean(np.round(nn.predict(model, x_test)) == y_test)"),
        ),
        at='"mse"',
        on=(by_fit, mlp, several),
    ),
    Fault(
        "mse_for_classes",
        (
            *swap(r", {n_out}\](?=, activation)", ", 1]"),
            *swap("nn.cross_entropy", "nn.mse_loss"),
            *swap(r"nn.accuracy.*", "np.mean(np.round(nn.predict(model, x_test)) == y_test)"),
        ),
        at="mse_loss",
        on=(in_loop, mlp, several),
    ),
    Fault(
        "cross_entropy_for_numbers",
        swap(rf"{NAMED}|nn.mse_loss(?=\()", "loss=nn.cross_entropy"),
        says="class",
        on=(by_fit, _of("mse")),
    ),
    Fault(
        "cross_entropy_for_numbers",
        swap(r"nn.mse_loss(?=\()", f"nn.{BINARY}_with_logits"),
        says="targets?|class",
        on=(in_loop, _of("mse")),
    ),
    Fault(
        "sum_not_mean",
        (
            *after_model("def total(outputs, targets):", f"    return {SUM}", "", ""),
            *swap(NAMED, "loss=total"),
        ),
        at=r"engine\.sum|loss=total",
        on=(by_fit, _summed),
    ),
    Fault(
        "sum_not_mean",
        swap(
            CALLED,
            SUM.replace("targets)", r"\1)"),
        ),
        on=(in_loop, _summed),
    ),
    *(
        Fault(
            "term_twice",
            edits,
            at="output . output",
            on=(style, _of("mse")),
        )
        for style, edits in own_loss("def own(output, target):", f"    return {TWICE}").items()
    ),
    Fault(
        "term_twice",
        swap(
            r"(?=^( +)\w+.zero_grad)",
            r"\1for p in model.parameters():\n"
            r"\1    loss = loss + nn.l2_penalty(model.parameters(), 0.02)\n",
        ),
        frozenset({"penalty_too_strong"}),
        at="l2_penalty",
        on=in_loop,
    ),
]
