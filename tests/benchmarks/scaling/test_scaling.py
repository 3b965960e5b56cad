"""The model on paper: its optimum, its break-even, and that a fit finds the costs again."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.scaling.model import Costs, fitted

pytest.importorskip("distributed", reason="pip install gradwalk[distributed]")
from tests.benchmarks.scaling.measure import Point
from tests.benchmarks.scaling.plot import draw

costs = st.builds(
    Costs, step=st.floats(1e-6, 1e-1), task=st.floats(1e-6, 1e-1), bandwidth=st.floats(1e6, 1e11)
)
alone, parameters = st.floats(1e-5, 1e4), st.integers(1, 10**7)


@given(costs, alone, parameters)
def test_the_best_number_of_workers_is_a_minimum(
    cost: Costs, alone: float, parameters: int
) -> None:
    best = cost.best_workers(alone, parameters)
    least = cost.seconds(alone, parameters, best)
    for other in np.geomspace(best / 1e3, best * 1e3, 61):
        assert cost.seconds(alone, parameters, other) >= least * (1 - 1e-12)


@given(costs, parameters, st.integers(2, 1000))
def test_at_break_even_workers_take_as_long_as_one_alone(
    cost: Costs, parameters: int, workers: int
) -> None:
    for slowdown in (1.0, 1.5):
        alone = cost.break_even(parameters, workers, slowdown)
        assert cost.seconds(alone, parameters, workers, slowdown) == pytest.approx(alone)
        assert cost.seconds(2 * alone, parameters, workers, slowdown) < 2 * alone


@given(costs)
def test_a_fit_finds_the_costs_again(cost: Costs) -> None:
    sizes = (300, 3_000, 30_000, 300_000)
    points = [(p, w, cost.seconds(0.0, p, w)) for p in sizes for w in (1, 2)]
    found = fitted(points)
    for p in sizes:
        for w in (1, 2):
            assert found.seconds(0.0, p, w) == pytest.approx(cost.seconds(0.0, p, w), rel=1e-6)


def test_a_network_only_slows_down() -> None:
    cost = Costs(1e-3, 1e-3, 1e9)
    assert cost.over(1e8) == Costs(1e-3, 1e-3, 1e8)
    assert cost.over(1e10) == cost


def test_the_picture_is_the_same_for_the_same_points(tmp_path: Path) -> None:
    kinds = {name: Costs(1e-3, 1e-4, 1e9) for name in ("threads", "processes", "Dask")}
    points = [Point("a", 10, 5, name, w, 0.1, 0.1 / w) for name in kinds for w in (1, 2)]
    for name in "ab":
        draw(points, kinds, 1.25e9, tmp_path / name)
    page = (tmp_path / "a").read_text()
    assert page == (tmp_path / "b").read_text()
    assert "10 million" in page
    assert "measured, 10 to 10 rows" in page
