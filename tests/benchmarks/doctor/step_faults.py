"""Faults of the steps: rates, epochs, batches, and what is forgotten in a loop of one's own."""

from tests.benchmarks.doctor.fault import Fault, after_model, before_model, swap
from tests.benchmarks.doctor.trainings import Training

__all__ = ["STEPS"]


def _loop(training: Training) -> bool:
    return training.loop


def _fit(training: Training) -> bool:
    return not training.loop


def _sgd(training: Training) -> bool:
    return training.optimizer == "SGD"


RATE = r"lr=[\d.]+"
EPOCHS = r"(?<=epochs=)\d+|(?<=for epoch in range\()\d+"
BATCH = r"(?<=len\(order\), )\d+(\):\n.*start : start \+ )\d+"
SORTED = before_model("by_target = np.argsort(ys)", "xs, ys = xs[by_target], ys[by_target]")
FROZEN = "layer.requires_grad_(False)"
STEPS = [
    Fault("lr_too_high", swap(RATE, "lr=5.0"), says="learning rate|lr"),
    Fault("lr_too_low", swap(RATE, "lr=1e-5")),
    Fault("too_few_epochs", swap(EPOCHS, "1")),
    Fault("batch_too_small", swap(r"batch_size=\d+", "batch_size=1"), on=_fit),
    Fault("batch_too_small", swap(BATCH, r"1\g<1>1"), on=_loop),
    Fault("batch_too_large", swap(r"batch_size=\d+", "batch_size=None"), on=_fit),
    Fault("batch_too_large", swap(BATCH, r"len(order)\g<1>len(order)"), on=_loop),
    Fault(
        "not_shuffled",
        (*SORTED, *swap(r"^ +rng.shuffle\(order\)\n", "")),
        at=r"for start in|batch = order",
        on=_loop,
    ),
    Fault(
        "no_zero_grad",
        swap(r"^ +optimizer.zero_grad\(\)\n", ""),
        at=r"backward\(\)|step\(\)",
        on=_loop,
    ),
    Fault(
        "no_step",
        swap(r"^ +optimizer.step\(\)\n", ""),
        at=r"backward\(\)|optimizer = ",
        on=_loop,
    ),
    Fault(
        "other_parameters",
        (
            *before_model("before = MLP({n_in}, [{widths}], rng=SEED)"),
            *swap(r"(?<=lambda p: )(\w+)\(p,", r"\g<1>(before.parameters(),"),
        ),
        says="none of the model's parameters",
        on=_fit,
    ),
    Fault(
        "other_parameters",
        swap(r"(^optimizer = .*\n)", r"\g<1>model = MLP({n_in}, [{widths}], rng=SEED + 1)\n"),
        says="all gradients are 0|parameters of another",
        at="^optimizer = |^model = ",
        on=_loop,
    ),
    Fault(
        "frozen_layer",
        after_model("for layer in model.layers[:-1]:", f"    {FROZEN}"),
        at="requires_grad_",
    ),
    Fault("frozen_layer", after_model("model.layers[-1].requires_grad_(False)")),
    Fault(
        "changed_too_early",
        (
            *swap(r"^ +optimizer.step\(\)\n", ""),
            *swap(
                r"^( +)loss.backward\(\)\n",
                r"\g<1>for p in model.parameters():\n"
                r"\g<1>    p.data -= 0.05 * p.grad\n"
                r"\g<1>loss.backward()\n",
            ),
        ),
        says="was changed after",
        at="p.data -=",
        on=_loop,
    ),
]
