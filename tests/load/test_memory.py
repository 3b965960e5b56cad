"""Memory does not grow with the number of graphs, and a large one takes what the page says."""

import gc
import re
import tracemalloc
from pathlib import Path

import pytest

from tests.load.graphs import many_small, measured

PAGE = Path(__file__).parents[2] / "demos" / "docs" / "micrograd.md"


def test_many_small_graphs_leave_nothing() -> None:
    """What the command tries with a million; of the last thousand sweeps a note is kept."""
    gc.collect()
    tracemalloc.start()
    try:
        many_small(3000)
        before, first = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        many_small(10_000)
        after, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 5000
    assert most - first < 20_000


@pytest.mark.parametrize("nodes", [20_000, 100_000])
def test_a_large_graph_takes_what_the_page_says(nodes: int) -> None:
    says = re.search(
        r"about (\d+) bytes a node, and up to (\d+) while", PAGE.read_text(encoding="utf-8")
    )
    assert says
    for found, said in zip(measured(nodes), map(int, says.groups()), strict=True):
        assert 0.6 * said < found <= said
