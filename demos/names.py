"""Names: a model of characters, trained on the identifiers of Python's own standard library.

A first course says: a language model gives each next character a probability, given those before;
it learns from text alone, and it writes by drawing from its own probabilities.

The model is that of Bengio et al. (2003), as in Karpathy's makemore lecture: each of the five
characters before becomes a short list of numbers that is learnt too, its *embedding*; a tanh layer
looks at these; softmax answers. `choose(index, table)` picks the row of the embedding, and the
target's log-probability, so that one Program computes the loss and all its gradients for any batch.

The measure is *bits per character* on names that were held out: how many yes-or-no questions the
next character still takes. If all 28 were equally likely, that would be log2(28) = 4.81. Counting
which character follows which (a *bigram* model) looks one character back, and the network is about
one bit better. It is not the last word: a table of what follows three characters, which is printed
too, does better than this small network. Names repeat whole words, and a table remembers words, if
it may be large.
"""

import math
import random
import re
import sysconfig
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nn
from demos._common import Stage
from demos._plots import plot_curves, plot_points
from engine import Program, Value, choose, gradient, inputs, log_softmax

ALPHABET = ".abcdefghijklmnopqrstuvwxyz_"  # the dot begins and ends a name
CONTEXT, SIZE, HIDDEN, BATCH = 5, 8, 128, 64
DEFINED = re.compile(r"^\s*(?:async def|def|class) +_*(\w+?)_*\b", re.MULTILINE)


def identifiers() -> list[str]:
    """What Python's standard library calls its functions and classes, in small letters, once."""
    texts = Path(sysconfig.get_paths()["stdlib"]).glob("*.py")
    found = {
        name.lower()
        for path in texts
        for name in DEFINED.findall(path.read_text("utf-8", "replace"))
    }
    return sorted(name for name in found if re.fullmatch("[a-z_]{3,20}", name))


def table(names: Sequence[str]) -> Any:
    """A row for each character to be guessed: the five before it, then itself, all as numbers."""
    rows = []
    for name in names:
        codes = [0] * CONTEXT + [ALPHABET.index(c) for c in name] + [0]
        rows += [codes[i : i + CONTEXT + 1] for i in range(len(name) + 1)]
    return np.array(rows, dtype="float64")


class Writer(nn.Module):
    """From the numbers of five characters to a score for each that may follow."""

    def __init__(self, rng: random.Random) -> None:
        self.embedding = [[Value(rng.gauss(0, 1)) for _ in range(SIZE)] for _ in ALPHABET]
        self.mlp = nn.MLP(CONTEXT * SIZE, [HIDDEN, len(ALPHABET)], "tanh", rng=rng)

    def __call__(self, characters: Sequence[Value]) -> Any:
        """The scores, of which softmax makes probabilities."""
        return self.mlp([x for c in characters for x in choose(c, self.embedding)])


def counted_bits(seen: Any, unseen: Any, back: int) -> float:
    """Bits per character of counting what follows the last few characters.

    Counts start above 0, since what was never seen may still come. The start is the best of a few.
    """
    pairs = Counter(map(tuple, seen[:, CONTEXT - back :].astype(int).tolist()))
    befores = Counter(map(tuple, seen[:, CONTEXT - back : -1].astype(int).tolist()))
    rows = map(tuple, unseen[:, CONTEXT - back :].astype(int).tolist())
    counts = [(pairs[row], befores[row[:-1]]) for row in rows]

    def bits(start: float) -> float:
        shares = [(one + start) / (of + start * len(ALPHABET)) for one, of in counts]
        return -math.fsum(map(math.log2, shares)) / len(shares)

    return min(map(bits, (1.0, 0.3, 0.1, 0.03)))


def invent(logs: Program, rng: random.Random) -> str:
    """A name, drawn character by character until the model ends it."""
    codes = [0] * CONTEXT
    while len(codes) == CONTEXT or (codes[-1] and len(codes) < 30):
        likely = np.exp(logs([codes[-CONTEXT:]])[0]).tolist()
        codes += rng.choices(range(len(ALPHABET)), likely)
    return "".join(ALPHABET[code] for code in codes[CONTEXT:]).rstrip(".")


def train(model: Writer, epochs: int, seen: Any, unseen: Any, seed: int) -> dict[str, list[float]]:
    """Train the model's parameters; returns the bits per character after every epoch."""
    before, target = inputs(*[f"x{i}" for i in range(CONTEXT)]), inputs("target")
    loss = -choose(target[0], log_softmax(model(before)))
    parameters = model.parameters()
    learn = Program([*before, *target], [loss, *gradient(loss, parameters)], parameters, "mean")
    judge = Program([*before, *target], [loss], parameters, "mean")

    tuner, order = nn.Adam(parameters, lr=0.01), np.random.default_rng(seed)
    theta: Any = np.array([p.data for p in parameters])
    memory: Any = ()
    curves: dict[str, list[float]] = {"seen names": [], "held-out names": []}
    for epoch in range(epochs):
        tuner.lr = 0.01 * 0.1 ** (epoch / epochs)
        for batch in np.array_split(order.permutation(len(seen)), len(seen) // BATCH):
            grads: Any = learn(seen[batch], theta)[1:]
            theta, *memory = tuner.update(theta, grads, tuple(memory))
            tuner.steps += 1
        for curve, rows in zip(curves.values(), (seen, unseen), strict=True):
            curve.append(float(judge(rows, theta)[0]) / math.log(2))
    for parameter, number in zip(parameters, theta.tolist(), strict=True):
        parameter.data = number
    return curves


def run(stage: Stage) -> None:
    """Train on nine tenths of the names, measure on the others, invent a few; two pictures."""
    rng = random.Random(stage.seed)
    names = identifiers()
    rng.shuffle(names)
    cut = len(names) // 10
    seen, unseen = table(names[cut:]), table(names[:cut])
    model = Writer(rng)
    parameters, epochs = model.parameters(), stage.rounds(12)
    print(f"{len(names) - cut} names to learn from, {cut} held out; {len(parameters)} parameters")
    curves = train(model, epochs, seen, unseen, stage.seed)

    bigram = counted_bits(seen, unseen, 1)
    print(f"bits per character, counts after one character (bigram): {bigram:.2f}")
    print(f"bits per character, counts after three characters: {counted_bits(seen, unseen, 3):.2f}")
    print(f"bits per character, the network: {curves['held-out names'][-1]:.2f}")
    before = inputs(*[f"x{i}" for i in range(CONTEXT)])
    logs = Program(before, log_softmax(model(before)), parameters)
    drawn = [invent(logs, rng) for _ in range(16)]
    fresh = [name for name in drawn if name not in set(names)]
    print(f"invented ({len(drawn) - len(fresh)} of {len(drawn)} exist already):", ", ".join(fresh))

    curves["bigram counts, held-out names"] = [bigram] * epochs
    plot_curves(stage.path("bits.png"), "Python's names", curves, "epoch", "bits per character")
    points = np.array([[x.data for x in row] for row in model.embedding])
    points -= points.mean(axis=0)
    plane = points @ np.linalg.svd(points)[2][:2].T  # the two directions in which they differ most
    plot_points(stage.path("embedding.png"), "What the model takes for alike", plane, ALPHABET)
