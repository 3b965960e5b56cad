"""A notebook, run by a kernel: what its cells show, and how a browser shows that."""

import re
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.drawing.browser import show
from tests.project.sources import ROOT

TRAIN = "fit(model, xs, ys, loss='cross_entropy', epochs=20, seed=7);"
PLAIN = """\
import nn.training.progress as progress
progress.tqdm = progress.plain_tqdm  # as where ipywidgets is missing
"""
CELLS = [
    "from engine import Value, log\nx = Value(2.0)\ny = (x * Value(3.0, '</svg><b>')).tanh()\ny",
    "from nn import MLP, fit\nmodel = MLP(2, [8, 3], rng=7)\nmodel",
    "model([0.5, -1.0])",
    f"xs, ys = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]\n{TRAIN}",
    "fit(model, xs, ys, loss=lambda out, y: sum(out) if out[0] > 0 else sum(out) * 2, epochs=1);",
    "def f(z):\n    return log(z)\nf(y - y)",
    PLAIN + TRAIN,
]


@pytest.fixture(scope="module")
def outputs() -> list[list[Any]]:
    """The outputs of each cell."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    root = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources=root, allow_errors=True
    )
    client.execute()
    return [cell.outputs for cell in notebook.cells]


pytestmark = pytest.mark.filterwarnings("ignore")  # other people's, of event loops and transports


def html(outputs: list[list[Any]], cell: int) -> str:
    (output,) = outputs[cell]
    return str(output["data"]["text/html"])


def test_values_models_and_lists_show_themselves(outputs: list[list[Any]]) -> None:
    assert html(outputs, 0).startswith('<img alt="computation graph"')
    assert "<table>" in html(outputs, 1)
    assert html(outputs, 2).count("<tr>") == 4


def test_a_training_shows_a_bar_and_nothing_on_standard_error(outputs: list[list[Any]]) -> None:
    (bar,) = outputs[3]
    assert "application/vnd.jupyter.widget-view+json" in bar["data"]
    streams = {each.get("name") for each in outputs[4]}
    assert "training eagerly" in "".join(each.get("text", "") for each in outputs[4])
    assert "stderr" not in streams
    assert {each["name"] for each in outputs[6]} == {"stdout"}
    assert "".join(each["text"] for each in outputs[6]).count("\n") == 11


def test_an_error_names_the_cell_and_shows_its_lines(outputs: list[list[Any]]) -> None:
    (error,) = outputs[5]
    assert "is -inf at In[6]:2" in error["evalue"]
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error["traceback"]))
    assert re.findall(r"In\[6\], line \d", text) == ["In[6], line 3", "In[6], line 2"]
    assert "engine/" not in text


@pytest.mark.parametrize("width", [400, 1200])
def test_a_picture_fits_its_cell_and_shows_details_under_the_mouse(
    outputs: list[list[Any]], page: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(page, f"<!doctype html><meta charset=utf-8><body>{html(outputs, 0)}", "html")
    picture = page.locator("svg")
    picture.wait_for()
    assert picture.bounding_box()["width"] <= width - 16
    titles = picture.locator("title").all_text_contents()
    assert any(re.search(r"^y = tanh.*made in In\[1\]:3", title, re.DOTALL) for title in titles)
    assert page.locator("b").count() == 0


def test_a_page_that_trusts_nobody_shows_the_picture_as_an_image(
    outputs: list[list[Any]], page: Any
) -> None:
    plain = re.sub(' onload="[^"]*"', "", html(outputs, 0))
    show(page, f"<!doctype html><body>{plain}{html(outputs, 1)}", "html")
    sizes = page.evaluate("() => [...document.images].map((image) => image.naturalWidth)")
    assert len(sizes) == 2
    assert min(sizes) > 100
