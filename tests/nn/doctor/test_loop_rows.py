"""Rows of a loop of one's own: they are found among the variables of whoever asks."""

import random
from typing import Any

import numpy as np
import pytest

import nn
from engine.explain.report import Report
from nn import MLP, Adam, cross_entropy
from tests.nn.doctor.reports import compare

RNG = random.Random(3)
POINTS = [[RNG.gauss(0, 1), RNG.gauss(0, 1)] for _ in range(90)]
LABELS = [(x[0] > 0) + (x[1] > 0.3) for x in POINTS]


def trained(model: MLP, xs: Any, ys: Any) -> Report:
    """What is said of a loop over batches of ten rows."""
    optimizer, order = Adam(model.parameters(), lr=0.02), [*range(len(xs))]
    for _ in range(12):
        random.Random(1).shuffle(order)
        for start in range(0, len(order), 10):
            batch = order[start : start + 10]
            outputs = [model(xs[i]) for i in batch]
            loss = cross_entropy(outputs, [ys[i] for i in batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return nn.diagnose(loss, model)


def shuffled() -> list[int]:
    return random.Random(1).sample(LABELS, len(LABELS))


@pytest.mark.parametrize(
    ("name", "xs", "ys", "outputs"),
    [
        ("constant_labels", POINTS, [1] * len(LABELS), 3),
        ("class_missing", POINTS, [min(y, 1) for y in LABELS], 3),
        ("labels_off_by_one", POINTS, [y + 1 for y in LABELS], 4),
        ("shuffled_labels", POINTS, shuffled(), 3),
        ("leaking_column", [[*x, y] for x, y in zip(POINTS, LABELS, strict=True)], LABELS, 3),
        ("constant_columns", [[x[0], 0.7] for x in POINTS], LABELS, 3),
        ("duplicated_rows", POINTS[:8] * 11, LABELS[:8] * 11, 3),
    ],
)
def test_what_is_wrong_with_the_rows_of_a_loop_is_named_first(
    name: str, xs: Any, ys: Any, outputs: int
) -> None:
    report = trained(MLP(len(xs[0]), [8, outputs], rng=1), xs, ys)
    assert report.causes[0].name == name
    compare(f"rows of a loop: {name}", report)


def test_a_number_in_an_array_beside_the_rows_does_no_harm() -> None:
    model = MLP(2, [8, 3], rng=1)
    xs, ys, rate, few = POINTS, [1] * len(LABELS), np.array(0.02), np.zeros(0)
    optimizer = Adam(model.parameters(), lr=float(rate))
    for start in range(0, 90 + len(few), 10):
        batch = range(start, start + 10)
        loss = cross_entropy([model(xs[i]) for i in batch], [ys[i] for i in batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert nn.diagnose(loss, model).causes[0].name == "constant_labels"


def test_rows_that_are_well_are_no_cause() -> None:
    assert not trained(MLP(2, [8, 3], rng=1), POINTS, LABELS)


@pytest.mark.parametrize("first", [0.0, [0.0, 1.0, 2.0, 3.0]])
def test_lists_that_begin_with_something_else_are_not_taken_for_the_rows(first: Any) -> None:
    xs = [[*x, y] for x, y in zip(POINTS, LABELS, strict=True)]
    others, theirs = [first, *xs], [0, *LABELS]
    model = MLP(3, [8, 3], rng=1)
    optimizer = Adam(model.parameters(), lr=0.02)
    for start in range(0, len(theirs) - 1, 10):
        batch = range(start, start + 10)
        loss = cross_entropy([model(xs[i]) for i in batch], [LABELS[i] for i in batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert len(others) == len(theirs)
    assert nn.diagnose(loss, model).of("leaking_column")
