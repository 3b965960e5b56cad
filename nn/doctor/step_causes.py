"""Causes in the steps: rates, epochs, batches, what is held back."""

from collections.abc import Iterator

from engine.wording.names import number
from nn.checks import listed
from nn.doctor import changes
from nn.doctor.symptoms import Symptoms
from nn.doctor.table import Suspicion, remedy, row, suspect
from nn.losses import built_in
from nn.models.regularization import Dropout


@row("lr_too_high")
def _high(facts: Symptoms) -> Iterator[Suspicion]:
    losses, lr = facts.losses, facts.start.rate
    over = facts.usual and lr >= 10.0 * facts.usual
    broke = not losses or losses[-1] > losses[0] or losses[-1] != losses[-1]
    if over or broke or facts.rises > 0.25:
        went = f"the loss rose in {facts.rises:.0%} of {len(losses)} epochs"
        seen = went if losses else "the training broke off: numbers became infinite or nan"
        if broke and losses:
            seen = f"the loss went from {number(losses[0])} to {number(losses[-1])}, and {went[9:]}"
        weight = 0.9 if over else 0.5 if broke else 0.3
        factors = 0.1, 0.01, 0.001, *[facts.usual / lr] * bool(over)
        yield _rate(facts, "the learning rate is too high", seen, weight, *factors)


@row("lr_too_low")
def _low(facts: Symptoms) -> Iterator[Suspicion]:
    lr, falls = facts.start.rate, facts.rises < 0.1 and facts.late > 0.0
    under = bool(facts.usual) and lr <= facts.usual / 10.0
    if under or falls:
        fell = f"the loss fell by {facts.late:.1%} in the last quarter of the epochs, and rose in"
        seen = f"{fell} {facts.rises:.0%} of them"
        factors = (10.0, 100.0, facts.usual / lr if under and lr else 1000.0)
        weight = 0.8 if under else 0.2
        yield _rate(facts, "the learning rate is too low", seen, weight, *factors)


def _rate(facts: Symptoms, what: str, seen: str, weight: float, *factors: float) -> Suspicion:
    lr, kind = facts.start.rate, type(facts.task.optimizer).__name__
    rates = [(f"lr={lr * factor:.3g}", factor) for factor in factors]
    remedies = [remedy(f"{kind}(..., {to})", changes.rate, by, short=to) for to, by in rates]
    return suspect(f"{what}: lr={lr:g}", seen, weight, facts.made("lr"), *remedies)


@row("too_few_epochs")
def _few(facts: Symptoms) -> Iterator[Suspicion]:
    task, done = facts.task, len(facts.losses)
    if facts.history.stopped == "epochs" and (facts.late > 0.01 or done <= 20):
        seen = f"the loss was still falling: by {facts.late:.1%} in the last quarter"
        seen = f"{done} epochs are few for any network" if facts.late < 1e-3 else seen
        change, times = changes.more_epochs, (10, 50) if done <= 5 else (10,)
        epochs = [(n, n * task.epochs) for n in times]
        more = [remedy(f"epochs={n}", change, k, short=f"{n} epochs") for k, n in epochs]
        title, weight = f"too few epochs: {done}", 0.7 if done <= 5 else 0.4 if done <= 20 else 0.2
        yield suspect(title, seen, weight, facts.at("epochs"), *more)


@row("batch_too_small")
def _small(facts: Symptoms) -> Iterator[Suspicion]:
    if facts.task.batch_size == 1 and len(facts.task.data.rows) > 1:
        yield _batch(facts, "small", "each step follows a single row", 0.8)


@row("batch_too_large")
def _large(facts: Symptoms) -> Iterator[Suspicion]:
    size, many = facts.task.batch_size, len(facts.task.data.rows)
    if many > 64 and (size is None or size >= many):
        yield _batch(facts, "large", f"all {many} rows make one step an epoch", 0.7)


def _batch(facts: Symptoms, how: str, seen: str, weight: float) -> Suspicion:
    usual = remedy("batch_size=32", changes.setting, "batch_size", 32)
    title = f"the batches are too {how}: batch_size={facts.task.batch_size}"
    return suspect(title, seen, weight, facts.at("batch_size"), usual)


@row("penalty_too_strong")
def _decay(facts: Symptoms) -> Iterator[Suspicion]:
    decay = getattr(facts.task.optimizer, "weight_decay", 0.0)
    if decay >= 1e-3:
        none = remedy("weight_decay=0", changes.of_optimizer, "weight_decay", 0.0)
        weight, place = 0.7 if decay > 0.05 else 0.3, facts.made("weight_decay")
        yield suspect(*decayed(decay), weight, place, none)


def decayed(decay: float) -> tuple[str, str]:
    """What is wrong with a strong weight decay, and what is seen of it."""
    title = f"weight decay is too strong: weight_decay={decay:g}"
    return title, f"each step pulls every parameter towards 0, by lr * {decay:g} of itself"


@row("clip_too_strong")
def _clip(facts: Symptoms) -> Iterator[Suspicion]:
    if facts.task.clip is not None:
        none = remedy("leave out clip", changes.setting, "clip", None, short="clip=None")
        seen = f"no gradient may be longer than {facts.task.clip:g}"
        title = f"gradients are clipped too short: clip={facts.task.clip:g}"
        yield suspect(title, seen, 0.5, facts.at("clip"), none)


@row("dropout_too_strong")
def _dropout(facts: Symptoms) -> Iterator[Suspicion]:
    for part in facts.task.held.modules:
        if isinstance(part, Dropout) and part.p >= 0.3:
            less = remedy("Dropout(0.1)", changes.dropout, 0.1)
            seen = f"in training, {part.p:.0%} of the units are 0"
            title = f"dropout is too strong: Dropout({part.p:g})"
            yield suspect(title, seen, 0.7 if part.p > 0.6 else 0.3, part.place, less)
            return


@row("dropout_at_evaluation")
def _evaluation(facts: Symptoms) -> Iterator[Suspicion]:
    for part in facts.task.held.modules:
        if isinstance(part, Dropout) and part.called is not None:
            seen = f"the model was called in training mode: {part!r} left units out"
            do = "call model.eval() before you use the model, or nn.predict(model, xs)"
            yield suspect("dropout at evaluation", seen, 1.0, part.called, do=do, certain=True)
            return


@row("frozen_layer")
def _frozen(facts: Symptoms) -> Iterator[Suspicion]:
    task = facts.task
    learned = {*task.optimizer.params}
    left = [(path, p) for path, p in task.model.named_parameters() if p not in learned]
    if left:
        closed = {*task.model.trainable_parameters()}
        frozen = [path for path, p in left if p not in closed]
        why = "requires_grad_(False)" if frozen else "the optimiser was not given them"
        names = listed([*dict.fromkeys([_above(path) for path, _ in left])])
        do = "requires_grad_(True)" if frozen else "give it model.parameters()"
        every = remedy(do, changes.learn_all, short="all parameters learning")
        froze = filter(None, [vars(part).get("frozen_at") for part in task.held.modules])
        place = next(froze, None) if frozen else task.optimizer.place
        title = f"{names} {'is frozen' if frozen else 'has no optimiser'}"
        seen = f"{len(left)} of {len(task.held.parameters)} parameters never change: {why}"
        yield suspect(title, seen, 0.6, place, every)


def _above(path: str) -> str:
    """The layer of a parameter."""
    return ".".join(path.split(".")[: 2 if path.startswith("layers.") else 1])


@row("sum_not_mean")
def _sum(facts: Symptoms) -> Iterator[Suspicion]:
    if built_in(facts.task.loss) is None and 1.5 < facts.growth < 2.5:
        do = "divide the loss by how many rows it is given"
        mean = remedy(do, changes.mean_of_rows, short="the mean")
        seen = f"the loss of some rows is {facts.growth:.2g} times as large where each comes twice"
        title = "the loss is a sum over rows and not their mean"
        yield suspect(title, seen, 0.9, facts.at("loss"), mean)
