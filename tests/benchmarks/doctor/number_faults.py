"""Numbers that end: a formula written down without the branch that should have been a `where`."""

from collections.abc import Iterator

from tests.benchmarks.doctor.fault import (
    Edit,
    Fault,
    On,
    before_model,
    in_loop,
    logits,
    mlp,
    own,
    several,
    swap,
)
from tests.benchmarks.doctor.loss_faults import own_loss
from tests.benchmarks.doctor.trainings import Training

__all__ = ["NUMBERS"]


def _binary(training: Training) -> bool:
    return mlp(training) and training.data.loss.startswith("binary")


def _unbounded(training: Training) -> bool:
    return training.activation == "relu"


def _losses(
    name: str, on: tuple[On, ...], body: str, says: str, *data: Edit, also: tuple[str, ...] = ()
) -> Iterator[Fault]:
    """The loss of a row, written by hand, in `fit` and in a loop."""
    lines = ("def own(output, target):", *(f"    {line}" for line in body.split("\n")))
    for style, edits in own_loss(*lines).items():
        yield Fault(
            name,
            (*data, *edits),
            frozenset(also),
            says,
            at=r"^    (return|p|exps) .*(log|exp)\(",
            on=(style, *on),
        )


HUGE = before_model("xs, x_test = xs * 1000.0, x_test * 1000.0")
SECOND = r"(?<=hidden = )self.second\(hidden\)"
FIRST = "hidden = self.first\\(x\\)"
NUMBERS = [
    *_losses(
        "log_of_zero",
        (_binary, _unbounded),
        "p = output if model.output == 'sigmoid' else engine.sigmoid(output)\n"
        "return -(target * engine.log(p) + (1 - target) * engine.log(1 - p))",
        r"log\(",
        *HUGE,
        also=("inputs_not_scaled",),
    ),
    *_losses(
        "log_of_zero",
        (mlp, several, _unbounded),
        "return -engine.log(engine.choose(target, engine.softmax(output)))",
        r"log\(",
        *HUGE,
        also=("inputs_not_scaled",),
    ),
    *_losses(
        "zero_times_inf",
        (_binary,),
        "p = output if model.output == 'sigmoid' else engine.sigmoid(output)\n"
        "no = 1 - target\n"
        "return target * engine.log(target / p) + no * engine.log(no / (1 - p))",
        r"log\(",
        also=("log_of_zero",),
    ),
    *_losses(
        "exp_overflow",
        (mlp, several, _unbounded),
        "exps = [engine.exp(o) for o in output]\n"
        "return -engine.log(engine.choose(target, exps) / engine.sum(exps))",
        r"exp\(",
        *HUGE,
        also=("inputs_not_scaled",),
    ),
    *_losses(
        "exp_overflow",
        (mlp, logits, _unbounded),
        "return engine.log(1.0 + engine.exp(output)) - target * output",
        r"exp\(",
        *HUGE,
        also=("inputs_not_scaled",),
    ),
    Fault(
        "zero_times_inf",
        (
            *swap(r'"\w+", SEED \+ 1', '"relu", SEED + 1'),
            *swap(SECOND, "[u * engine.log(u) for u in self.second(hidden)]"),
        ),
        frozenset({"log_of_zero"}),
        r"log\(",
        at=r"engine\.log",
        on=own,
    ),
    Fault(
        "sqrt_at_zero",
        (
            *swap(r'"\w+", SEED \+ 1', '"relu", SEED + 1'),
            *swap(
                SECOND,
                "[engine.sqrt(u) for u in self.second(hidden)]",
            ),
        ),
        says=r"sqrt\(",
        at=r"engine\.sqrt",
        on=own,
    ),
    Fault(
        "sqrt_at_zero",
        swap(
            r"(?=^( +)\w+.zero_grad)",
            r"\1biases = [neuron.b for layer in model.layers for neuron in layer.neurons]\n"
            r"\1loss = loss + 0.01 * engine.sqrt(engine.sum([b * b for b in biases]))\n",
        ),
        says=r"sqrt\(",
        at=r"engine\.sqrt",
        on=(in_loop, mlp),
    ),
    Fault(
        "zero_deviation",
        (
            *before_model("xs[0] = 0.0"),
            *swap(
                FIRST,
                "spread = engine.sqrt(engine.var(x))\n"
                "        hidden = self.first([v / spread for v in x])",
            ),
        ),
        says="/|div|sqrt",
        at="v / spread|spread = ",
        on=own,
    ),
    Fault(
        "zero_deviation",
        (
            *swap(r"^scaler = .*\n", "middle, spread = xs.mean(axis=0), xs.std(axis=0)\n"),
            *swap(
                r"^xs, x_test = scaler.*",
                "xs, x_test = (xs - middle) / spread, (x_test - middle) / spread",
            ),
        ),
        frozenset({"nan_inputs", "constant_columns"}),
        "nan|not finite",
        at="",
        on=lambda training: training.data.load.startswith("load_digits"),
    ),
]
