"""Digits: 1,797 handwritten digits, and what is confused with what.

A first course says: an output for each class, softmax to make probabilities of them, cross-entropy
to learn from, and a test on images that the network never saw.

Each image is 8 by 8 pixels, shrunk from a scan of a digit that a person had written (Alpaydin and
Kaynak 1998; scikit-learn brings them along). To the network they are 64 numbers from 0 to 1; it
is never told that pixels have neighbours. Where the extra `fast` is installed, training runs as
machine code, in seconds instead of minutes; `history.backend` says which it was.

One figure hides much. The *confusion matrix* counts for each true digit what the network said, and
the errors are worth a look one by one: a person would not be sure of some of them either.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import nn
from demos._common import Data, Stage, probabilities
from demos._plots import plot_images
from nn.drawing.figure import STYLE

WORST = 8  # errors to show


def digits() -> Data:
    """The images, as rows of 64 numbers from 0 (paper) to 1 (ink)."""
    return Data.of(load_digits()).map(lambda row: [x / 16 for x in row])


def confusion(truth: Sequence[int], said: Sequence[int]) -> list[list[int]]:
    """How often each digit (a row) was taken for which (a column)."""
    table = [[0] * 10 for _ in range(10)]
    for true, answer in zip(truth, said, strict=True):
        table[true][answer] += 1
    return table


def plot_confusion(path: Path, table: list[list[int]]) -> None:
    """Save the table, with errors in colour and right answers in grey."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 5.2), layout="constrained")
        axes = figure.add_subplot()
        counts = np.array(table)
        axes.imshow(counts * (1 - np.eye(10)), cmap="Oranges", vmin=0, vmax=8)
        for true, said in np.ndindex(10, 10):
            if counts[true, said]:
                look: Any = {"color": "#888888"} if true == said else {"weight": "bold"}
                axes.text(said, true, str(counts[true, said]), ha="center", va="center", **look)
        axes.set(xticks=range(10), yticks=range(10), xlabel="the network said", ylabel="it was")
        axes.set_title("What is confused with what")
        figure.savefig(path)


def run(stage: Stage) -> None:
    """Train on 1,258 images, test on 539, save three pictures."""
    train, test = digits().split(stage.seed)
    model = nn.MLP(64, [64, 10], rng=stage.seed)
    started = time.perf_counter()
    history = nn.fit(
        model,
        train.xs,
        train.ys,
        loss="cross_entropy",
        optimizer=lambda parameters: nn.AdamW(parameters, lr=0.005, weight_decay=0.1),
        epochs=stage.rounds(60),
        seed=stage.seed,
        validation=0.1,
    )
    seconds = time.perf_counter() - started
    print(f"training ({history.backend}): {history.epochs} epochs in {seconds:.1f} s")
    likely = probabilities(model, test.xs)
    said = likely.argmax(axis=1).tolist()
    wrong = [answer != true for answer, true in zip(said, test.ys, strict=True)]
    stage.report(wrong)

    table = confusion(test.ys, said)
    print("confusion matrix (rows: what it was, columns: what the network said)")
    print("    " + "".join(f"{digit:4}" for digit in range(10)))
    for digit, row in enumerate(table):
        print(f"{digit:4}" + "".join(f"{count or '.':>4}" for count in row))

    history.plot(stage.path("loss.png"))
    plot_confusion(stage.path("confusion.png"), table)
    errors = [i for i, bad in enumerate(wrong) if bad]
    errors.sort(key=lambda i: float(likely[i, test.ys[i]]))  # the farthest from right first
    shown = errors[:WORST] or [0]
    images = [np.reshape(test.xs[i], (8, 8)) for i in shown]
    words = [f"{test.ys[i]}, said {said[i]}\n({likely[i, said[i]]:.0%} sure)" for i in shown]
    title = "The worst errors: what it was, what the network said"
    plot_images(stage.path("errors.png"), title, {"": images}, {"": words})
