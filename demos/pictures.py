"""The README's pictures: `python -m demos.pictures` makes them anew in `demos/pictures/`."""

from pathlib import Path

from engine import Value, dot
from engine.drawing import to_dot, to_svg

__all__ = ["FOLDER", "PICTURES", "neuron"]

FOLDER = Path(__file__).with_name("pictures")


def neuron() -> Value:
    """A neuron with two inputs, and how wrong it is: (tanh(w . x + b) - 1)**2, swept backwards."""
    ws = [Value(-3.0, "w1"), Value(1.0, "w2")]
    xs = [Value(2.0, "x1"), Value(0.5, "x2")]
    loss = (dot(ws, xs, Value(6.0, "b")).tanh() - 1.0) ** 2
    loss.label = "loss"
    loss.backward()
    return loss


PICTURES = {"neuron": neuron}


def main() -> None:
    """Write each picture as SVG, and as the DOT text that it is a layout of."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PICTURES.items():
        (FOLDER / f"{name}.dot").write_text(to_dot(make()), encoding="utf-8")
        to_svg(make(), FOLDER / f"{name}.svg")
        print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
