"""Distributed: a cluster trains, one of its workers is killed, and the numbers are the same.

A first course says: the gradient of a loss over many rows is a sum over the rows, so several
machines can each sum up a part of them. This is *data parallel* training. What it seldom says: a
sum of floats depends on the order of its terms, so with other workers comes another result.

Not here. `nn.fit` cuts the rows of a step into pieces which do not depend on who computes them, and
adds the pieces in pairs, pairs of pairs, and so on. So this story trains the same network three
times: in this process alone, on a Dask cluster of three processes (`Client.get_executor()`, extra
`distributed`), and on that cluster again with one worker killed in the middle of an epoch, without
warning. It then compares a digest of all parameters. A task that a worker takes into the grave is
given to another one, and a *nanny* puts a new process in its place.

A task holds the parameters and the numbers of its rows, but not the rows. A worker that does not
have the rows yet says so, and is sent them once, together with the programs. So is the process that
replaces the killed one. While it compiles, the others wait.

What a cluster costs is time: on a machine of two cores some 25 milliseconds for each round of
tasks, even if they do nothing. It pays where a step takes much longer than that and each worker has
a core. These steps take about ten milliseconds, so that three workers are several times slower than
one process alone: look at the seconds. What they buy here is that one of them may die.
`python -m tests.benchmarks.scaling` measures how long a step has to be for workers to be faster.

The data are scikit-learn's digits. Those to learn from are also shifted by a pixel in 8 directions.
"""

import hashlib
import logging
import os
import signal
import statistics
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from distributed import Client, LocalCluster
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import nn
from demos._common import Data, Stage, probabilities
from demos._diary import Diary, Entry
from demos._plots import COLOURS, LABEL, plot_curves
from demos.digits import digits
from nn.drawing.figure import INK, STYLE

WORKERS, BATCHES, HIDDEN = 3, 3, 64
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows SIGTERM is as sudden
NAMES = ("this process alone", f"{WORKERS} workers", f"{WORKERS} workers, one killed")


@dataclass(frozen=True)
class Outcome:
    """A training: the model, its losses, and the times at which its epochs were over."""

    model: nn.MLP
    loss: list[float]
    seconds: float
    ends: list[float]

    def digest(self) -> str:
        """A fingerprint of all parameters. One bit of difference changes it."""
        numbers = [p.data for p in self.model.parameters()]
        return hashlib.sha256(struct.pack(f"<{len(numbers)}d", *numbers)).hexdigest()[:12]

    def pace(self) -> float:
        """The median of milliseconds for an epoch, without the first, which has to compile."""
        lengths = [b - a for a, b in pairwise(self.ends)]
        return 1000 * statistics.median(lengths or [self.seconds])


@dataclass(frozen=True)
class Death:
    """Which process was killed, after which task and when; what it left, and who replaced it."""

    victim: int
    task: int
    when: float
    orphans: list[Entry]
    heir: int
    inherited: list[Entry]

    @classmethod
    def of(cls, diary: Diary, victim: int, heir: int) -> "Death":
        """Read it from a diary."""
        assert diary.at is not None
        task, when = diary.at
        orphans = [one for one in diary.entries if one.number <= task and one.start > when]
        return cls(victim, task, when, orphans, heir, [e for e in diary.entries if e.pid == heir])


def shifted(data: Data) -> Data:
    """Each image at its place, and moved by a pixel in each of 8 directions."""
    images = np.pad(np.reshape(data.xs, (-1, 8, 8)), ((0, 0), (1, 1), (1, 1)))
    moved = [images[:, y : y + 8, x : x + 8].reshape(-1, 64) for y, x in np.ndindex(3, 3)]
    return replace(data, xs=np.concatenate(moved).tolist(), ys=data.ys * 9)


def train(data: Data, seed: int, epochs: int, diary: Diary | None = None) -> Outcome:
    """Train a model; the numbers are equal whoever computes them."""
    model = nn.MLP(64, [HIDDEN, 10], rng=seed)
    ends: list[float] = []
    started = time.time()
    history = nn.fit(
        model,
        data.xs,
        data.ys,
        loss="cross_entropy",
        optimizer=lambda parameters: nn.AdamW(parameters, lr=0.03, weight_decay=0.1),
        batch_size=-(-len(data.xs) // BATCHES),
        epochs=epochs,
        seed=seed,
        executor=diary,
        callbacks=[lambda _: ends.append(time.time()), *([diary.turn] if diary else [])],
    )
    return Outcome(model, history.loss, time.time() - started, ends)


def on_cluster(data: Data, seed: int, epochs: int) -> tuple[list[Outcome], list[Diary], Death]:
    """Train on a cluster, once undisturbed and once with a death."""
    with (
        LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",  # any free port; without an address it is 8787
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):

        def pids() -> dict[str, int]:
            client.wait_for_workers(WORKERS, timeout=60)
            found: dict[str, int] = client.run(os.getpid)
            return found

        def kill() -> bool:
            for _ in range(50):
                if cluster.scheduler.workers[address].processing:  # it dies with a task in hand
                    os.kill(before[address], KILL)
                    return True
                time.sleep(0.001)
            return False

        before = pids()
        address = min(before)
        executor = client.get_executor()
        diaries = [Diary(executor), Diary(executor, kill, min(epochs, 2 + epochs // 8))]
        outcomes = [train(data, seed, epochs, diary) for diary in diaries]
        (heir,) = {*pids().values()} - {*before.values()}
    return outcomes, diaries, Death.of(diaries[1], before[address], heir)


def sendings(diary: Diary) -> str:
    """How much was sent, in words."""
    size = statistics.median(entry.size / 1e3 for entry in diary.entries)
    return (
        f"{diary.sent} tasks of {size:.0f} kB, and {len(diary.brought)} times "
        f"the programs and all rows, {max(diary.brought, default=0) / 1e6:.1f} MB"
    )


def obituary(death: Death) -> str:
    """In words: who was killed, who did its work, and who replaced it."""
    begun = [f"; task {one.number} was begun after that, by {one.pid}" for one in death.orphans]
    said = "but the training was over before it was asked"
    if death.inherited:
        late = death.inherited[0].start - death.when
        said = (
            f"and was given its first task, number {death.inherited[0].number}, {late:.1f} s later"
        )
    return (
        f"process {death.victim} was killed when {death.task} tasks had been sent{''.join(begun)}\n"
        f"process {death.heir} came in its place, {said}"
    )


def plot_lanes(path: Path, diary: Diary, death: Death, calm: Outcome, hit: Outcome) -> None:
    """Save who computed what and when around a death, above the losses at the same times."""
    first = {entry.pid: entry.start for entry in reversed(diary.entries)}
    others = sorted(first.keys() - {death.victim, death.heir})
    lanes = [*others, death.victim, death.heir]
    learnt = max((entry.end for entry in death.inherited if entry.first), default=hit.ends[-1])
    begin, end = -0.8, min(learnt + 0.8, hit.ends[-1]) - death.when
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 5.4), layout="constrained")
        title = (
            "A worker is killed in the middle of an epoch; the training goes on to the same bits"
        )
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12, weight="bold")
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        for entry in diary.entries:
            if begin < entry.end - death.when and entry.start - death.when < end:
                _draw_task(top, lanes.index(entry.pid), entry, death)
        top.set_yticks(range(len(lanes)), [f"process {pid}" for pid in lanes])
        top.set(ylim=(len(lanes) - 0.4, -0.6), xlim=(begin, end))
        words = "tasks: a colour for each epoch, hatched where programs and rows are unpacked first"
        top.set_title(words, color="#666666", fontsize=10)
        _draw_death(top, lanes, death, end)
        ends = [moment - death.when for moment in hit.ends]
        look: dict[str, Any] = {"ls": "none", "marker": "o", "color": COLOURS[0]}
        below.plot(ends, calm.loss, **look, ms=11, fillstyle="none", label="nobody killed")
        below.plot(ends, hit.loss, **look, ms=5, label="one killed")
        shown = [y for x, y in zip(ends, hit.loss, strict=True) if begin <= x <= end]
        below.set_ylim(0, 1.2 * max(shown, default=1))
        below.set(xlabel="seconds since the kill", ylabel="loss after each epoch")
        below.axvline(0, color=INK, lw=1, ls=":")
        below.legend(frameon=False)
        figure.savefig(path)


def _draw_task(axes: Axes, lane: int, entry: Entry, death: Death) -> None:
    axes.barh(
        lane,
        entry.end - entry.start,
        left=entry.start - death.when,
        height=0.62,
        color=COLOURS[entry.epoch % len(COLOURS)],
        hatch="////" if entry.first else None,
        edgecolor="white",
        linewidth=0,
    )


def _draw_death(axes: Axes, lanes: Sequence[int], death: Death, end: float) -> None:
    """Draw the kill and what followed."""
    axes.axvline(0, color=INK, lw=1, ls=":")
    grave, cradle = lanes.index(death.victim), lanes.index(death.heir)
    axes.plot([0], [grave], "X", color=INK, ms=12, mec="white", clip_on=False)
    side: dict[str, Any] = LABEL | {"horizontalalignment": "left", "weight": "normal"}
    axes.text(0.02 * end, grave, f"  killed after task {death.task}", **side)
    if death.inherited:
        start = death.inherited[0].start - death.when
        words = "in its place: it is sent   \nprograms and rows, and compiles   "
        axes.text(start, cradle, words, **side | {"horizontalalignment": "right"})


def run(stage: Stage) -> None:
    """Train three times, compare the bits, say what was sent and who died, save two pictures."""
    chosen, test = digits().split(stage.seed)
    data, epochs = shifted(chosen), stage.rounds(20)
    alone = train(data, stage.seed, epochs)
    outcomes, diaries, death = on_cluster(data, stage.seed, epochs)
    outcomes = [alone, *outcomes]

    print(f"{len(data.xs):,} images, {BATCHES} steps an epoch, {epochs} epochs; at the end the")
    print(f"SHA-256 of all {len(alone.model.parameters()):,} parameters is")
    for name, outcome in zip(NAMES, outcomes, strict=True):
        pace = f"{outcome.seconds:5.1f} s, {outcome.pace():4.0f} ms an epoch"
        print(f"  {name:23} {pace}   {outcome.digest()}")
    same = len({outcome.digest() for outcome in outcomes}) == 1
    print("the same to the bit" if same else "NOT the same: please report this")
    likely = probabilities(outcomes[-1].model, test.xs)
    said = likely.argmax(axis=1).tolist()
    stage.report([answer != true for answer, true in zip(said, test.ys, strict=True)])

    for name, diary in zip(NAMES[1:], diaries, strict=True):
        print(f"sent to {name}: {sendings(diary)}")
    print(obituary(death))
    slower = outcomes[1].pace() / alone.pace()
    print(f"on {os.cpu_count()} cores an epoch took {WORKERS} workers {slower:.1f} times as long")

    plot_lanes(stage.path("workers.png"), diaries[1], death, *outcomes[1:])
    curves = dict(zip(NAMES, [outcome.loss for outcome in outcomes], strict=True))
    plot_curves(stage.path("loss.png"), "One curve, three times", curves, "epoch", "loss")
