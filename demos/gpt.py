"""GPT: a transformer in plain scalars, trained on the identifiers of Python's standard library.

A first course says: a GPT guesses the next token, and looks back at the tokens so far by
*attention*. From each token it makes a query (what am I looking for?), a key (what am I?) and a
value (what do I tell?). How well a key fits a query decides how much is read of its value; softmax
makes shares of it. Several *heads* look at different things. The *causal mask* hides what comes
later, since that is to be guessed.

All of it stands in the class GPT: one block, as in Karpathy's microgpt (2026), written for a single
name as one would at a blackboard. The beginnings of names have different lengths: `fit` records
the model once for each length and trains it as machine code. `python -m demos gpt --eager` takes a
few steps with Python's scalars first, and compares.

The measure is bits per character on names that were held out, as in `names`. The MLP of that story
has weights of its own for each of the five characters that it sees. The GPT sees eight and does
about as well with fewer parameters, since attention uses the same weights at every place.
Afterwards look at what the heads look at: each row is a character that looks back, and dark is what
it reads. Often it is the one before, or the beginning of the word.
"""

import copy
import math
import random
import re
import time
from collections.abc import Sequence
from typing import Any

import nn
from demos import names
from demos._common import Stage
from demos._plots import plot_attention, plot_curves
from demos.names import ALPHABET
from engine import Program, Value, choose, dot, inputs, softmax
from engine.wording.names import counted

WIDTH, HEADS, CONTEXT, BATCH = 24, 4, 8, 64
SIZE = WIDTH // HEADS  # of a head

Vector = list[Value]


# --- the model -----------------------------------------------------------------------------------
def linear(weights: Sequence[Vector], xs: Vector) -> Vector:
    """A weighted sum of the inputs for each row of weights."""
    return [dot(row, xs) for row in weights]


def add(xs: Vector, ys: Vector) -> Vector:
    """A residual connection: what a layer gives is added to what it was given."""
    return [x + y for x, y in zip(xs, ys, strict=True)]


def rms_norm(xs: Vector) -> Vector:
    """The vector, scaled so that the mean of its squares is 1."""
    scale = (sum(x * x for x in xs) / len(xs) + 1e-5) ** -0.5
    return [x * scale for x in xs]


def heads(xs: Vector) -> list[Vector]:
    """The vector, cut into a piece for each head."""
    return [xs[i : i + SIZE] for i in range(0, WIDTH, SIZE)]


class GPT(nn.Module):
    """From the characters so far to a score for each that may follow."""

    def __init__(self, rng: random.Random) -> None:
        def matrix(name: str, rows: int, columns: int, spread: float) -> list[Vector]:
            places = [[f"{name}.{i}.{j}" for j in range(columns)] for i in range(rows)]
            return [[Value(rng.gauss(0, spread), place) for place in row] for row in places]

        many, start = len(ALPHABET), WIDTH**-0.5
        self.tokens = matrix("tokens", many, WIDTH, 0.5)
        self.positions = matrix("positions", CONTEXT, WIDTH, 0.5)
        self.query = matrix("query", WIDTH, WIDTH, start)
        self.key = matrix("key", WIDTH, WIDTH, start)
        self.value = matrix("value", WIDTH, WIDTH, start)
        self.project = matrix("project", WIDTH, WIDTH, 0)  # so that the block changes nothing yet
        self.up = matrix("up", 4 * WIDTH, WIDTH, start)
        self.down = matrix("down", WIDTH, 4 * WIDTH, 0)
        self.scores = matrix("scores", many, WIDTH, start / 10)

    def embed(self, tokens: Sequence[Any]) -> list[Vector]:
        """A vector for each token: what it is, and where it stands."""
        pairs = zip(tokens, self.positions, strict=False)
        return [add(choose(token, self.tokens), position) for token, position in pairs]

    def attention(self, xs: list[Vector]) -> list[list[Vector]]:
        """For each token and head, the share of every token up to that one; they sum to 1."""
        queries = [heads(linear(self.query, x)) for x in xs]
        keys = [heads(linear(self.key, x)) for x in xs]
        return [
            [
                softmax([dot(query[h], key[h]) / SIZE**0.5 for key in keys[: i + 1]])
                for h in range(HEADS)
            ]
            for i, query in enumerate(queries)  # the mask: token i sees none behind it
        ]

    def read(self, xs: list[Vector]) -> list[Vector]:
        """What each token reads: the values, weighted by the shares of the head they belong to."""
        columns = [*zip(*[linear(self.value, x) for x in xs], strict=True)]
        return [
            [dot(shares[j // SIZE], column[: i + 1]) for j, column in enumerate(columns)]
            for i, shares in enumerate(self.attention(xs))
        ]

    def mlp(self, x: Vector) -> Vector:
        """What a token makes of what it has read."""
        return linear(self.down, [h.relu() for h in linear(self.up, x)])

    def __call__(self, tokens: Sequence[Any]) -> Vector:
        """The scores of what follows the last token."""
        xs = self.embed(tokens)
        read = self.read([rms_norm(x) for x in xs])
        xs = [add(x, linear(self.project, r)) for x, r in zip(xs, read, strict=True)]
        xs = [add(x, self.mlp(rms_norm(x))) for x in xs]
        return linear(self.scores, rms_norm(xs[-1]))


# --- the story -----------------------------------------------------------------------------------
def samples(words: Sequence[str]) -> tuple[list[list[int]], list[int]]:
    """Beginnings of names, of which at most the last CONTEXT characters, and what follows each."""
    xs, ys = [], []
    for word in words:
        codes = [ALPHABET.index(c) for c in f".{word}."]
        xs += [codes[max(0, i - CONTEXT) : i] for i in range(1, len(codes))]
        ys += codes[1:]
    return xs, ys


def invent(model: GPT, rng: random.Random) -> str:
    """A name, drawn character by character until the model ends it."""
    codes = [0]
    while len(codes) == 1 or (codes[-1] and len(codes) < 30):
        (scores,) = nn.predict(model, [codes[-CONTEXT:]])
        codes += rng.choices(range(len(ALPHABET)), [math.exp(score) for score in scores])
    return "".join(ALPHABET[code] for code in codes).strip(".")


def train(model: GPT, data: Any, held_out: Any, epochs: int, seed: int, backend: nn.Backend) -> Any:
    """Train with Adam, at a rate that falls to 0. Returns the history and the seconds of a step."""
    ends: list[float] = []
    history = nn.fit(
        model,
        *data,
        loss="cross_entropy",
        optimizer="adam",
        lr=0.01,
        schedule=lambda epoch: 1 - epoch / epochs,
        epochs=epochs,
        batch_size=BATCH,
        validation=held_out,
        monitor="loss",  # the held-out names choose nothing
        patience=None,
        seed=seed,
        backend=backend,
        progress=backend != "eager",
        callbacks=lambda _: ends.append(time.perf_counter()),
    )
    steps = (epochs - 1) * math.ceil(len(data[0]) / BATCH)  # the first epoch compiles, too
    return history, (ends[-1] - ends[0]) / (steps or math.nan)


def parts(model: GPT) -> list[str]:
    """What the compiler finds in the graph of a sample, which is made of numbers alone."""
    tokens = inputs(*[f"token{i}" for i in range(CONTEXT)])
    text = Program(tokens, model(tokens), parameters=model.parameters()).listing()
    part = r"attention scores \([^)]*\)|(?:\[[\w, ]+\]|\w+) \(\d+ x \d+\)"
    return [*dict.fromkeys(re.findall(part, text))]


def run(stage: Stage) -> None:
    """Train on nine tenths of the names, measure on the others, invent some; three pictures."""
    rng = random.Random(stage.seed)
    found = names.identifiers()
    rng.shuffle(found)
    cut = len(found) // 10
    seen, unseen = found[cut:], found[:cut]
    model, data, epochs = GPT(rng), samples(seen), stage.rounds(24)
    print(f"{len(seen)} names to learn from, {cut} held out; {len(model.parameters())} parameters")
    eager = 0.0
    if stage.eager:
        few = [column[:BATCH] for column in data]
        _, eager = train(copy.deepcopy(model), few, few, 3, stage.seed, "eager")
    began = time.perf_counter()
    history, step = train(model, data, samples(unseen), epochs, stage.seed, "auto")
    taken, each = time.perf_counter() - began, f", each step {step * 1e3:.1f} ms" * (epochs > 1)
    print(f"training ({history.backend}): {counted(epochs, 'epoch')} in {taken:.1f} s{each}")
    if history.backend == "native":
        print("the compiler found in the graph:", ", ".join(parts(model)))
    if stage.eager:
        print(f"a step with Values alone: {eager:.2f} s, {eager / step:,.0f} times as long")

    tables = names.table(seen), names.table(unseen)
    bigram = names.counted_bits(*tables, 1)
    mlp = names.train(names.Writer(rng), stage.rounds(12), *tables, stage.seed)["held-out names"]
    bits = {
        kind: [loss / math.log(2) for loss in history.column(kind)] for kind in ("loss", "val_loss")
    }
    print(f"bits per character, counts after one character (bigram): {bigram:.2f}")
    print(f"bits per character, the MLP of `names`: {mlp[-1]:.2f}")
    print(f"bits per character, the GPT: {bits['val_loss'][-1]:.2f}")
    curves = {
        "seen names, GPT": bits["loss"],
        "held-out names, GPT": bits["val_loss"],
        "held-out names, MLP": mlp,
        "held-out names, bigram counts": [bigram] * epochs,
    }
    plot_curves(stage.path("bits.png"), "Python's names", curves, "epoch", "bits per character")
    drawn = [invent(model, rng) for _ in range(20)]
    fresh = [name for name in drawn if name not in {*found}]
    print(f"invented ({len(drawn) - len(fresh)} of {len(drawn)} exist already):", ", ".join(fresh))
    look(stage, model, min(unseen, key=lambda word: (len(word) != CONTEXT - 1, "_" not in word)))


def look(stage: Stage, model: GPT, word: str) -> None:
    """Draw what the heads look at in a word, and how the first of them comes by what it reads."""
    xs = [rms_norm(x) for x in model.embed([ALPHABET.index(c) for c in f".{word}"])]
    shares = [[[p.data for p in head] for head in token] for token in model.attention(xs)]
    title = f"What the heads look at in {word}: a row for each letter that looks back, dark is read"
    plot_attention(stage.path("attention.svg"), title, f".{word}", [*zip(*shares, strict=True)])
    first, *_ = model.read(xs[:3])[-1]
    first.label = "read by head 1"
    first.backward()
    stage.draw("head", first, collapse=1)
