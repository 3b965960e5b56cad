"""Faults of the steps: rates, epochs, batches, and what is forgotten in a loop of one's own."""

from tests.benchmarks.doctor.fault import (
    Fault,
    after_model,
    batched,
    before_model,
    by_fit,
    in_loop,
    made,
    mlp,
    sgd,
    swap,
)

__all__ = ["STEPS"]


RATE = r"(?<=lr=)[\d.]+|(?<=p\.data -= )[\d.]+"
EPOCHS = r"(?<=epochs=)\d+|(?<=for epoch in range\()\d+"
BATCH = r"(?<=len\(order\), )\d+(\):\n.*start : start \+ )\d+"
SORTED = before_model("by_target = np.argsort(ys)", "xs, ys = xs[by_target], ys[by_target]")
FROZEN = "layer.requires_grad_(False)"
STEPS = [
    Fault("lr_too_high", swap(RATE, "5.0"), says="learning rate|lr"),
    Fault("lr_too_high", swap(RATE, "50.0"), says="learning rate|lr"),
    Fault("lr_too_low", swap(RATE, "1e-5")),
    Fault("too_few_epochs", swap(EPOCHS, "1")),
    Fault("batch_too_small", swap(r'(?<=batch_size)(=|": )\d+', r"\g<1>1"), on=by_fit),
    Fault("batch_too_small", swap(BATCH, r"1\g<1>1"), on=batched),
    Fault("batch_too_large", swap(r'(?<=batch_size)(=|": )\d+', r"\g<1>None"), on=by_fit),
    Fault("batch_too_large", swap(BATCH, r"len(order)\g<1>len(order)"), on=batched),
    Fault(
        "not_shuffled",
        (*SORTED, *swap(r"^ +rng.shuffle\(order\)\n", "")),
        at=r"for start in|batch = order",
        on=batched,
    ),
    Fault(
        "no_zero_grad",
        swap(r"^ +\w+.zero_grad\(\)\n", ""),
        at=r"backward\(\)|step\(\)|p\.data -=",
        on=in_loop,
    ),
    Fault(
        "no_step",
        swap(r"^ +optimizer.step\(\)\n|^    for p in .*\n +p\.data -= .*\n", ""),
        at=r"backward\(\)|optimizer = ",
        on=in_loop,
    ),
    Fault(
        "other_parameters",
        (
            *before_model("before = MLP({n_in}, [{widths}], rng=SEED)"),
            *swap(r"(?<=lambda p: )(\w+)\(p,", r"\g<1>(before.parameters(),"),
        ),
        says="none of the model's parameters",
        on=(by_fit, made),
    ),
    Fault(
        "other_parameters",
        swap(r"(^optimizer = .*\n)", r"\g<1>model = MLP({n_in}, [{widths}], rng=SEED + 1)\n"),
        says="all gradients are 0|parameters of another",
        at="^optimizer = |^model = ",
        on=batched,
    ),
    Fault(
        "frozen_layer",
        after_model("for layer in model.layers[:-1]:", f"    {FROZEN}"),
        at="requires_grad_",
        on=mlp,
    ),
    Fault("frozen_layer", after_model("model.layers[-1].requires_grad_(False)"), on=mlp),
    Fault(
        "clip_too_strong",
        swap(r"(?<=epochs=)\d+,", r"\g<0> clip=1e-4,"),
        on=(by_fit, sgd),
    ),
    Fault(
        "clip_too_strong",
        swap(
            r"(?=^ +optimizer.step\(\))",
            "        nn.clip_grad_norm(model.parameters(), 1e-4)\n",
        ),
        on=(batched, sgd),
    ),
    Fault(
        "penalty_too_strong",
        swap(r"SGD\((.*?), (lr=[\d.]+)", r"SGD(\1, \2, weight_decay=3.0"),
        on=(made, sgd),
    ),
    Fault(
        "penalty_too_strong",
        swap(r"(?<=[ =])Adam\((.*?), (lr=[\d.]+)", r"nn.AdamW(\1, \2, weight_decay=20.0"),
        on=(made, lambda training: not sgd(training)),
    ),
    Fault(
        "penalty_too_strong",
        swap(
            r"(?=^( +)\w+.zero_grad)",
            r"\1loss = loss + nn.l2_penalty(model.parameters(), 1.0)\n",
        ),
        on=in_loop,
    ),
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
        on=batched,
    ),
]
