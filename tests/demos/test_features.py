"""Deeper layers tell more, once they are trained; what units respond to does excite them."""

import random
import re
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import features
from demos._common import Data

Tell = Callable[..., str]


def test_probes_climb_with_depth_and_not_before_training(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "RUNS", 2)
    said = tell(features)
    shown = dict(re.findall(r"^  (.+?)  +([\d.]+)% \(", said, re.MULTILINE))
    figures = {name: float(figure) for name, figure in shown.items()}
    climbing = [figures[name] for name in features.LADDER]
    assert climbing == sorted(climbing)
    assert figures["layer 1"] > figures["raw pixels"] + 15
    assert figures["layer 3"] > figures["layer 1"] + 3
    assert all(figures[f"layer {k}, random"] < figures["raw pixels"] for k in (1, 2, 3))


def test_climbing_excites_a_unit_more_than_any_image_it_started_from() -> None:
    rng = random.Random(3)
    model = features.nn.MLP(features.PAPER**2, [6, 10], rng=rng)
    starts = np.array([[rng.random() for _ in range(features.PAPER**2)] for _ in range(5)])
    found = features.climb(model, 1, starts)
    assert found.shape == (features.UNITS, features.PAPER**2)
    assert found.min() >= 0
    heights = features.answers(model, found).diagonal()
    assert (heights > features.answers(model, starts).max(axis=0)).all()


def test_a_moved_image_is_the_same_image_elsewhere() -> None:
    image = [float(i) for i in range(1, 65)]
    paper = features.moved(Data([image], [4], [], []), 20, random.Random(1))
    assert paper.ys == [4] * 20
    assert len({tuple(x) for x in paper.xs}) > 5
    for x in paper.xs:
        grid = np.reshape(x, (features.PAPER, features.PAPER))
        down, right = np.argwhere(grid == 1)[0]
        assert grid[down : down + 8, right : right + 8].ravel().tolist() == image
        assert grid.sum() == sum(image)
        assert features.by_hand([x])[0].tolist() == [*grid.sum(axis=0), *grid.sum(axis=1)]
