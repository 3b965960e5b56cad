"""A small network learns to tell two crescents apart.

The page that it leaves plays how, epoch by epoch.
"""

import random
from math import cos, pi, sin

from nn import MLP, accuracy, fit

rng = random.Random(7)
xs, ys = [], []
for i in range(40):
    angle, lower = rng.uniform(0, pi), i % 2
    x, y = cos(angle), sin(angle)
    if lower:
        x, y = 1 - x, 0.5 - y
    xs.append([rng.gauss(x, 0.1), rng.gauss(y, 0.1)])
    ys.append(lower)

model = MLP(2, [8, 8, 1], activation="tanh", rng=rng)
history = fit(
    model,
    xs,
    ys,
    loss="binary_cross_entropy_with_logits",
    epochs=30,
    batch_size=5,
    seed=7,
    backend="eager",
    record=True,
)
right = accuracy(model, xs, ys)
print(f"{right:.0%} of the points are right")
page = history.to_html("learning.html")
