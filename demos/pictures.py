"""The README's pictures: `python -m demos.pictures` makes them anew in `demos/pictures/`."""

import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from engine import Value, dot, log_softmax
from engine.drawing import Picture, draw
from nn import MLP
from nn.drawing import Figure, draw_network

__all__ = ["FOLDER", "PHOTOGRAPH", "PICTURES", "photograph", "save"]

FOLDER = Path(__file__).with_name("pictures")
PHOTOGRAPH = "player.gif"


def neuron() -> Picture:
    """A neuron with two inputs, and how wrong it is: (tanh(w . x + b) - 1)**2, swept backwards."""
    ws = [Value(-3.0, "w1"), Value(1.0, "w2")]
    xs = [Value(2.0, "x1"), Value(0.5, "x2")]
    n = dot(ws, xs, Value(6.0, "b"))
    y = n.tanh()
    loss = (y - 1.0) ** 2
    loss.backward()
    return draw(loss)


def classifier() -> MLP:
    """A network of two inputs, four hidden units and three classes."""
    return MLP(2, [4, 3], activation="tanh", rng=random.Random(7))


def layers() -> Picture:
    """The graph of its loss for one sample: each neuron a box, and one of them opened."""
    scores = classifier()([0.5, -1.0])
    assert isinstance(scores, list)
    loss = -log_softmax(scores, 1)
    loss.backward()
    return draw(loss, collapse=2, open="L0.N1")


def network() -> Figure:
    """The network as a textbook draws it, with the numbers of one sample."""
    return draw_network(classifier(), [0.5, -1.0])


def cure() -> Figure:
    """A training on samples that nobody scaled: what `diagnose` says of it, and what that does."""
    from demos import doctor  # needs scikit-learn
    from demos._common import Stage

    return doctor.told("Samples as they were measured", Stage("doctor", FOLDER, 7, None))


PICTURES: dict[str, Callable[[], Picture | Figure]] = {
    "neuron": neuron,
    "layers": layers,
    "network": network,
    "cure": cure,
}


def save(name: str, folder: Path) -> list[Path]:
    """Write a picture as SVG and, where it is one of a graph, the DOT text it is a layout of."""
    picture, svg = PICTURES[name](), folder / f"{name}.svg"
    if isinstance(picture, Figure):
        picture.savefig(svg)
        return [svg]
    dot_text = folder / f"{name}.dot"
    dot_text.write_text(picture.source, encoding="utf-8")
    svg.write_bytes(picture.laid_out("svg"))
    return [dot_text, svg]


def story() -> Value:
    """A neuron with a shortcut: its product is used twice, so it receives from two sides."""
    x, weight, bias = Value(0.5), Value(-1.5), Value(1.25)
    product = x * weight
    total = product + bias
    y = total.tanh()
    out = y + product
    return out  # noqa: RET504 (the page takes its name from the variable)


def photograph(path: Path) -> None:
    """The page that plays its backward pass, edge by edge, as Chromium shows it: a moving GIF."""
    import io

    from PIL import Image  # matplotlib brings it
    from playwright.sync_api import sync_playwright  # in the extra `test`

    frames = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder, "player.html")
        story().to_html(page_file)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 960, "height": 410}, reduced_motion="reduce")
        page.goto(page_file.as_uri())
        page.get_by_text("Fit", exact=True).click()
        for step in range(4, 12):  # from the last value on, each edge of the backward pass
            page.evaluate(f"location.hash = 'step={step}'")
            page.wait_for_timeout(250)
            frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
        browser.close()
    first, *others = [frame.quantize(128, dither=Image.Dither.NONE) for frame in frames]
    times = [1200] * len(others) + [4000]  # milliseconds; the last stays
    first.save(path, save_all=True, append_images=others, duration=times, loop=0, optimize=True)


def main() -> None:
    """Write each picture, and say where. The photograph needs Chromium: `--photograph`."""
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        print(*save(name, FOLDER), sep="\n")
    if "--photograph" in sys.argv:
        photograph(FOLDER / PHOTOGRAPH)
        print(FOLDER / PHOTOGRAPH)


if __name__ == "__main__":
    main()
