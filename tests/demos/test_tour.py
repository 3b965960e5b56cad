"""The notebook runs from top to bottom, and what it shows is what it showed when it was saved."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

TOUR = Path(__file__).parents[2] / "demos" / "tour.ipynb"


@pytest.fixture(scope="module")
def tours() -> tuple[Any, Any]:
    """As it is kept, and as it comes out today."""
    kept, today = (nbformat.read(TOUR, as_version=4) for _ in range(2))
    for cell in today.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    root = {"metadata": {"path": str(TOUR.parents[1])}}
    NotebookClient(today, timeout=300, kernel_name="python3", resources=root).execute()
    return kept, today


def shown(cell: Any) -> list[tuple[list[str], str]]:
    """What kinds of output a cell has, and the text where it is no picture."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {"text/plain": output.get("text", "")})
        picture = any(kind.startswith("image/") for kind in data)
        found.append((sorted(data), "" if picture else data["text/plain"]))
    return found


@pytest.mark.filterwarnings("ignore")  # other people's, of event loops and transports
def test_every_cell_shows_what_it_showed(tours: tuple[Any, Any]) -> None:
    kept, today = tours
    for before, now in zip(kept.cells, today.cells, strict=True):
        if now.cell_type == "code":
            assert shown(now) == shown(before), now.source


@pytest.mark.filterwarnings("ignore")
def test_it_shows_graphs_networks_formulas_and_text(tours: tuple[Any, Any]) -> None:
    _, today = tours
    kinds = [
        kind for c in today.cells if c.cell_type == "code" for ks, _ in shown(c) for kind in ks
    ]
    assert kinds.count("text/html") >= 3
    assert kinds.count("image/png") >= 6
    assert kinds.count("text/latex") >= 2
