"""The parts of scripts, as a user could have written them."""

HEAD = """\
import random

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import engine
import nn
from engine import Value, operation
from nn import MLP, SGD, Adam, Dropout, Layer, Module, Sequential, fit

SEED = {seed}
xs, ys = datasets.{load}
xs, x_test, ys, y_test = train_test_split(xs, ys, test_size=0.3, random_state=SEED{stratify})
"""
SCALED = """\
scaler = StandardScaler().fit(xs)
xs, x_test = scaler.transform(xs), scaler.transform(x_test)
"""
SCALED_TARGETS = """\
center, spread = ys.mean(), ys.std()
ys, y_test = (ys - center) / spread, (y_test - center) / spread
"""
FIT = """
history = fit(
    model,
    xs,
    ys,
    loss={loss},
    optimizer=lambda p: {optimizer}(p, lr={lr}),
    epochs={epochs},
    batch_size={batch},
    seed=SEED,
    progress=False,
)
"""
BY_NAME = """
how = {{"batch_size": {batch}, "seed": SEED, "progress": False}}
history = fit(model, xs, ys, loss={loss}, optimizer="{lower}", lr={lr}, epochs={epochs}, **how)
"""
LOOP = """
xs, ys = xs.tolist(), ys.tolist()
optimizer = {optimizer}(model.parameters(), lr={lr})
rng = random.Random(SEED)
order = list(range(len(xs)))
for epoch in range({epochs}):
    rng.shuffle(order)
    for start in range(0, len(order), {batch}):
        batch = order[start : start + {batch}]
        outputs = [model(xs[i]) for i in batch]
        targets = [ys[i] for i in batch]
        loss = nn.{function}(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
MICROGRAD = """
xs, ys = xs.tolist(), ys.tolist()
for epoch in range({epochs}):
    outputs = [model(x) for x in xs]
    loss = nn.{function}(outputs, ys)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= {lr} * p.grad
"""
MODEL = """\
model = MLP({n_in}, [{widths}], activation="{activation}", output="{output}", rng=SEED)
"""
DROPOUT = """\
model = Sequential(
    Layer({n_in}, {width}, "{activation}", SEED),
    Dropout(0.5),
    Layer({width}, {n_out}, "linear", SEED + 1),
)
"""
OWN_MODULE = """\
class Net(Module):
    def __init__(self):
        self.first = Layer({n_in}, {width}, "linear", SEED)
        self.second = Layer({width}, {width}, "{activation}", SEED + 1)
        self.last = Layer({width}, {n_out}, "linear", SEED + 2)

    def __call__(self, x):
        hidden = self.first(x)
        hidden = self.second(hidden)
        return self.last(hidden)


model = Net()
"""
OWN_OPERATIONS = """\
squash = operation("squash", lambda x: x / (1.0 + abs(x)), lambda y, x: 1.0 / (1.0 + abs(x)) ** 2)
gate = operation(
    "gate",
    lambda a, b: a / (1.0 + b * b),
    [
        lambda y, a, b: 1.0 / (1.0 + b * b),
        lambda y, a, b: -2.0 * a * b / (1.0 + b * b) ** 2,
    ],
)


class Net(Module):
    def __init__(self):
        self.first = Layer({n_in}, {width}, "linear", SEED)
        self.second = Layer({n_in}, {width}, "linear", SEED + 1)
        self.last = Layer({width}, {n_out}, "linear", SEED + 2)

    def __call__(self, x):
        hidden = [gate(a, b) for a, b in zip(self.first(x), self.second(x))]
        return self.last([squash(unit) for unit in hidden])


model = Net()
"""
BY_HAND = """\
model.eval()
guesses = np.argmax([[output.data for output in model(x)] for x in x_test[:150]], axis=1)
score = np.mean(guesses == y_test[:150])
"""
