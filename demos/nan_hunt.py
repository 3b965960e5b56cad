"""Two nans in training, hunted down and mended: `python -m demos.nan_hunt`.

A nan in a loss says nothing of where it came from: whatever is computed from a nan is nan as well.
`hunt` names the one operation that made it out of good numbers, with its line, and what to write
instead.
"""

import random
from collections.abc import Callable, Sequence

import nn
from engine import NumericError, Value, hypot, log_softmax, numeric_mode, softmax, sqrt, sum
from engine.explain.hunt import hunt

__all__ = ["main"]

Loss = Callable[[], Value]


def say(text: str = "", indent: str = "") -> None:
    """Print a paragraph, each of its lines indented."""
    print("\n".join(indent + line for line in text.splitlines()) or "")


def train(parameters: Sequence[Value], loss_of: Loss, steps: int, lr: float) -> None:
    """Descend as long as the loss is a number, and say how that went."""
    optimizer = nn.SGD(parameters, lr=lr)
    with numeric_mode("ieee"):  # as all other libraries have it: nans pass
        for step in range(steps):
            loss = loss_of()
            for parameter in parameters:
                parameter.grad = 0.0
            loss.backward()
            grads = [p.grad for p in parameters]
            if loss.data - loss.data or any(g - g for g in grads):
                bad = [g for g in grads if g - g]
                say(
                    f"  step {step}: loss {loss.data:.4g}, {len(bad)} of {len(grads)} gradients "
                    "inf or nan. Who made them? hunt(loss) says:"
                )
                say(str(hunt(loss)), "    | ")
                return
            optimizer.step()
        loss = loss_of()
    say(f"  {steps} steps: loss {loss.data:.4g}, and hunt(loss) finds {hunt(loss) or 'nothing'}")


def classifier(stable: bool) -> None:
    """The log of a softmax: where a score is 745 below another one its share is 0 in floats."""
    layer = nn.Layer(2, 3, "linear", rng=random.Random(7))
    samples = [([5.0, 10.0], 0), ([45.0, -60.0], 1), ([-100.0, 25.0], 2), ([75.0, 90.0], 0)]

    def loss_of() -> Value:
        terms = []
        for x, y in samples:
            scores = [neuron(x) for neuron in layer.neurons]  # features that nobody scaled
            if stable:
                terms.append(-log_softmax(scores, y))
            else:
                p = softmax(scores)
                terms.append(-p[y].log())
        return sum(terms) / len(terms)

    train(layer.parameters(), loss_of, 60, lr=1.0)


def map_maker(stable: bool) -> None:
    """Points laid out by their distances: two of them begin at the same place."""
    rng = random.Random(7)
    start = [(0.0, 0.0), (1.0, 0.2), (1.0, 0.2), (0.3, 0.9)]
    points = [(Value(a, f"x{i}"), Value(b, f"y{i}")) for i, (a, b) in enumerate(start)]
    wanted = {(i, j): 0.5 + rng.random() for i in range(4) for j in range(i)}

    def loss_of() -> Value:
        terms = []
        for (i, j), far in wanted.items():
            dx, dy = points[i][0] - points[j][0], points[i][1] - points[j][1]
            d = hypot(dx, dy) if stable else sqrt(dx**2 + dy**2)
            terms.append((d - far) ** 2)
        return sum(terms)

    train([c for point in points for c in point], loss_of, 200, lr=0.05)


def main() -> None:
    """Tell both stories, each as it goes wrong, as strict mode has it, and mended."""
    say("1. A loss that turns infinite: the log of a probability that underflowed")
    classifier(stable=False)
    say("  Mended, with log_softmax(scores, y):")
    classifier(stable=True)
    say()
    say("2. A loss that looks well, and gradients that are nan: the distance of equal points")
    map_maker(stable=False)
    say("  Mended, with hypot(dx, dy):")
    map_maker(stable=True)
    say()
    say("3. Without a numeric_mode nobody needs to hunt: the operation itself raises")
    try:
        softmax([Value(0.0, "a"), Value(1000.0, "b")])[0].log()
    except NumericError as error:
        say(str(error).partition(" (or")[0], "    | NumericError: ")


if __name__ == "__main__":
    main()
