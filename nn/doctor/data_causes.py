"""Causes in the rows: samples, targets, and a loss that is none for them."""

from collections.abc import Iterator, Sequence
from math import inf, isfinite

from engine.wording.names import number
from nn.checks import listed
from nn.doctor import changes
from nn.doctor.symptoms import Symptoms, ratio, spread
from nn.doctor.table import Suspicion, remedy, row, suspect

STANDARD = "subtract each column's mean and divide by its deviation, both of the training rows"
UNEVEN = 5.0  # times as many rows of one class as of another
FEW = 5  # rows of a class
RELATED = 0.35  # how much neighbours have in common where targets follow from samples


@row("inputs_not_scaled")
def _inputs(facts: Symptoms) -> Iterator[Suspicion]:
    columns = facts.columns
    spread = [c.spread for c in columns if c.spread]
    if not spread:
        return
    large = max(range(len(columns)), key=lambda i: columns[i].size)
    small = min(range(len(columns)), key=lambda i: columns[i].spread or inf)
    times = ratio(columns[large].size, columns[small].spread)
    if columns[large].size > 10.0 or columns[large].size < 0.1:
        seen = f"{facts.column_name(large)} goes up to {number(columns[large].size)}"
        if large != small:
            often = number(times) if times > 1e6 else f"{times:,.0f}"
            seen += f", {often} times the deviation of {facts.column_name(small)}"
        scaled = remedy(STANDARD, changes.standard_inputs, short="scaled samples")
        weight = 0.7 if columns[large].size > 50.0 else 0.4
        title, wild = "the samples are not scaled", not all(map(isfinite, spread))
        yield suspect(title, seen, weight, facts.start.place, scaled, certain=wild)


@row("targets_not_scaled")
def _targets(facts: Symptoms) -> Iterator[Suspicion]:
    if facts.classifies or not facts.targets or facts.begun.classes:
        return
    mean, wide = spread(facts.targets)
    if wide and (wide > 10.0 or wide < 0.01 or abs(mean) > 10.0 * wide):
        do = "subtract the mean of the targets, divide by their deviation, and undo both to predict"
        scaled = remedy(do, changes.standard_targets, short="scaled targets")
        seen = f"their mean is {number(mean)}, their deviation {number(wide)}"
        yield suspect("the targets are not scaled", seen, 0.6, facts.start.place, scaled)


@row("mse_for_classes")
def _for_numbers(facts: Symptoms) -> Iterator[Suspicion]:
    classes = facts.begun.classes
    if len(classes) > 1 and facts.loss in ("mse", "mae", "huber"):
        two = len(classes) == 2
        name = "binary_cross_entropy_with_logits" if two else "cross_entropy"
        do = f"loss={name!r} on linear outputs, one for each class"
        other = remedy(do, changes.classify, short=f"loss={name!r}")
        title = f"{facts.loss} is a loss of numbers, and the targets are classes"
        seen = f"the targets are {listed([f'{x:g}' for x in classes])}"
        yield suspect(title, seen, 0.6, facts.at("loss"), other)


@row("cross_entropy_for_numbers")
def _for_classes(facts: Symptoms) -> Iterator[Suspicion]:
    if facts.loss == "cross_entropy" and len(facts.counts) > 15:
        rows = len(facts.begun.ys)
        if rows < 10 * len(facts.counts):
            do = "loss='mse' with one linear output"
            other = remedy(do, changes.regress, short="loss='mse'")
            title = "cross_entropy is a loss of classes, and the targets are numbers"
            seen = f"{rows} rows have {len(facts.counts)} different targets"
            yield suspect(title, seen, 0.9, facts.at("loss"), other, certain=True)


@row("imbalanced")
def _uneven(facts: Symptoms) -> Iterator[Suspicion]:
    counts = facts.counts.most_common()
    if facts.classifies and counts and not facts.task.data.classes:
        (most, many), (least, few) = counts[0], counts[-1]
        if many >= UNEVEN * few:
            do, short = 'class_weights="balanced"', "balanced weights"
            balanced = remedy(do, changes.setting, "class_weights", "balanced", short=short)
            title, sure = "the classes are imbalanced", few <= FEW
            seen = f"{many} rows of class {most:g}, {few} of class {least:g}"
            yield suspect(title, seen, 0.8, facts.start.place, balanced, certain=sure)


@row("constant_labels")
def _constant(facts: Symptoms) -> Iterator[Suspicion]:
    if len(facts.targets) > 1 and len({*facts.targets}) == 1:
        seen = f"all {len(facts.targets)} are {number(facts.targets[0])}"
        yield _data("all targets are the same", seen, "look at where the targets come from", facts)


@row("class_missing")
def _missing(facts: Symptoms) -> Iterator[Suspicion]:
    if (missing := facts.missing) and missing != [0]:
        title = f"class {listed([str(x) for x in missing])} is never a target"
        yield _data(title, _outputs(facts), "give rows of it, or one output less", facts)


@row("labels_off_by_one")
def _shifted(facts: Symptoms) -> Iterator[Suspicion]:
    if facts.missing == [0]:
        do = "count the classes from 0: ys - 1"
        yield _data("the labels are off by one", _outputs(facts), do, facts)


def _outputs(facts: Symptoms) -> str:
    targets = listed([f"{x:g}" for x in sorted(facts.counts)])
    return f"{len(facts.layers[-1].neurons)} outputs, and targets {targets}"


def _data(title: str, seen: str, do: str, facts: Symptoms, weight: float = 1.0) -> Suspicion:
    """What is plain to see in the rows, and no change of the training mends."""
    return suspect(title, seen, weight, facts.start.place, do=do, certain=True)


@row("shuffled_labels")
def _shuffled(facts: Symptoms) -> Iterator[Suspicion]:
    if facts.related < 0.05 and facts.hopeless:
        seen = f"rows that lie close together have no more in common than any ({facts.related:.2f})"
        do = "make sure that xs and ys are in the same order, and rows belong together"
        yield _data("the targets have nothing to do with the samples", seen, do, facts, 0.8)


@row("noisy_labels")
def _noisy(facts: Symptoms) -> Iterator[Suspicion]:
    if 0.05 <= facts.related < RELATED and facts.hopeless:
        seen = f"rows that lie close together have little in common ({facts.related:.2f} of 1)"
        do = "look at rows whose neighbours have another target"
        yield _data("many targets are wrong", seen, do, facts, 0.7)


@row("leaking_column")
def _leaking(facts: Symptoms) -> Iterator[Suspicion]:
    ys, rows = facts.targets, facts.rows
    if len({*ys}) < 2 or len({*map(tuple, rows)}) < 3 * len({*ys}) / 2:
        return
    for i, column in enumerate(zip(*rows, strict=True)):
        pairs = {*zip(column, ys, strict=True)}
        tells = len(pairs) == len({*column}) == len({*ys}) and len(ys) > 2 * len({*ys})
        if tells or (len({*column}) > 10 and abs(correlation(column, ys)) > 0.99999):
            title = f"{facts.column_name(i)} of the samples is the target"
            do = "leave it out, if it is not known where the model is used"
            yield _data(title, "it has one value for each target, and tells it", do, facts)


def correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Pearson's coefficient; 0 where one of the two is constant."""
    (a, wide), (b, high) = spread(xs), spread(ys)
    products = [(x - a) * (y - b) for x, y in zip(xs, ys, strict=True)]
    return sum(products) / len(products) / (wide * high) if wide * high else 0.0


@row("constant_columns")
def _still(facts: Symptoms) -> Iterator[Suspicion]:
    still = [i for i, column in enumerate(facts.columns) if not column.spread]
    if 2 * len(still) >= len(facts.columns) > 1 and len(facts.rows) > FEW:
        names = listed([facts.column_name(i) for i in still])
        seen = f"{names} have one value in all rows"
        title = f"{len(still)} of {len(facts.columns)} columns are constant"
        yield _data(title, seen, "look at where the columns come from", facts, 0.9)


@row("duplicated_columns")
def _copied(facts: Symptoms) -> Iterator[Suspicion]:
    columns = [*zip(*facts.rows, strict=True)]
    moving = [c for c, about in zip(columns, facts.columns, strict=True) if about.spread]
    if moving and 2 * len({*moving}) <= len(moving) and len(facts.rows) > FEW:
        seen = f"{len(moving)} columns, of which {len({*moving})} are different"
        title = "columns of the samples are copies of others"
        yield _data(title, seen, "look at where the columns come from", facts, 0.8)


@row("duplicated_rows")
def _repeated(facts: Symptoms) -> Iterator[Suspicion]:
    rows = [*map(tuple, facts.rows)]
    measured = any(not x.is_integer() for row in rows[:20] for x in row)
    if measured and 2 * len({*rows}) <= len(rows):
        seen = f"{len(rows)} rows, of which {len({*rows})} are different"
        yield _data("rows stand there several times", seen, "give each row once", facts, 0.8)
