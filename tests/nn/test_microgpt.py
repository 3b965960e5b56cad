"""A program in the manner of microgpt runs with its Value class replaced by an import: lists of
scalars, an Adam written out, names drawn in the end; and the numbers are those of its own class.
"""

import random
from typing import Any

import pytest

from engine import Value
from tests.benchmarks.gpt import BareValue

NAMES = ["ada", "alan", "anna", "dana", "nala", "lana", "dan", "nan"]
CHARACTERS = sorted({*"".join(NAMES)})
END = len(CHARACTERS)  # before a name and after it
WIDTH, HEADS, LONGEST = 8, 2, 6
HEAD = WIDTH // HEADS


def program(Value: Any, steps: int) -> tuple[list[float], list[str], list[float]]:
    """Train, and invent: the losses, the names, and the parameters at the end."""
    random.seed(42)

    def matrix(rows, columns, deviation=0.2):
        return [[Value(random.gauss(0, deviation)) for _ in range(columns)] for _ in range(rows)]

    net = {"token": matrix(END + 1, WIDTH), "place": matrix(LONGEST, WIDTH)}
    net |= {name: matrix(WIDTH, WIDTH) for name in ("query", "key", "value")}
    net |= {"out": matrix(WIDTH, WIDTH, 0.0), "up": matrix(4 * WIDTH, WIDTH)}
    net |= {"down": matrix(WIDTH, 4 * WIDTH, 0.0), "scores": matrix(END + 1, WIDTH)}
    parameters = [p for rows in net.values() for row in rows for p in row]

    def linear(x, rows):
        return [sum(wi * xi for wi, xi in zip(row, x)) for row in rows]  # noqa: B905

    def softmax(logits):
        highest = max(value.data for value in logits)
        exps = [(value - highest).exp() for value in logits]
        total = sum(exps)
        return [e / total for e in exps]

    def norm(x):
        mean = sum(xi * xi for xi in x) / len(x)
        scale = (mean + 1e-5) ** -0.5
        return [xi * scale for xi in x]

    def forward(token, place, keys, values):
        x = norm([t + p for t, p in zip(net["token"][token], net["place"][place])])  # noqa: B905
        query = linear(norm(x), net["query"])
        keys.append(linear(norm(x), net["key"]))
        values.append(linear(norm(x), net["value"]))
        read = []
        for start in range(0, WIDTH, HEAD):
            part = slice(start, start + HEAD)
            fits = [
                sum(q * k for q, k in zip(query[part], key[part])) / HEAD**0.5  # noqa: B905
                for key in keys
            ]
            shares = softmax(fits)
            read += [
                sum(shares[t] * values[t][j] for t in range(len(values)))
                for j in range(start, start + HEAD)
            ]
        x = [a + b for a, b in zip(x, linear(read, net["out"]))]  # noqa: B905
        hidden = [h.relu() for h in linear(norm(x), net["up"])]
        x = [a + b for a, b in zip(x, linear(hidden, net["down"]))]  # noqa: B905
        return linear(x, net["scores"])

    first, second = [0.0] * len(parameters), [0.0] * len(parameters)
    losses = []
    for step in range(steps):
        name = NAMES[step % len(NAMES)]
        tokens = [END, *[CHARACTERS.index(c) for c in name], END]
        keys, values, terms = [], [], []
        for place in range(min(LONGEST, len(tokens) - 1)):
            shares = softmax(forward(tokens[place], place, keys, values))
            terms.append(-shares[tokens[place + 1]].log())
        loss = (1 / len(terms)) * sum(terms)
        loss.backward()
        rate = 0.02 * (1 - step / steps)
        for i, p in enumerate(parameters):
            first[i] = 0.9 * first[i] + 0.1 * p.grad
            second[i] = 0.95 * second[i] + 0.05 * p.grad**2
            mean, square = first[i] / (1 - 0.9 ** (step + 1)), second[i] / (1 - 0.95 ** (step + 1))
            p.data -= rate * mean / (square**0.5 + 1e-8)
            p.grad = 0
        losses.append(loss.data)

    invented = []
    for _ in range(3):
        token, keys, values, name = END, [], [], ""
        for place in range(LONGEST):
            shares = softmax([s / 0.5 for s in forward(token, place, keys, values)])
            token = random.choices(range(END + 1), weights=[p.data for p in shares])[0]
            if token == END:
                break
            name += CHARACTERS[token]
        invented.append(name)
    return losses, invented, [p.data for p in parameters]


def test_it_learns_and_agrees_with_its_own_class() -> None:
    ours, theirs = program(Value, 40), program(BareValue, 40)
    losses, invented, parameters = ours
    assert sum(losses[-8:]) < 0.75 * sum(losses[:8])
    assert invented == theirs[1]
    assert losses == pytest.approx(theirs[0], rel=1e-9)
    assert parameters == pytest.approx(theirs[2], rel=1e-6, abs=1e-9)
