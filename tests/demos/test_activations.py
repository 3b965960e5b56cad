"""Activations saturate where they should, and depth shows what that costs."""

import math
import re
from collections.abc import Callable

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import activations

Tell = Callable[..., str]


def test_activations_saturate_where_mathematics_says(tell: Tell) -> None:
    assert activations.flat_from("relu", 1) == math.inf
    assert activations.flat_from("relu", -1) == 0
    # tanh' is 1 - tanh(x)**2, and a hundredth at atanh(sqrt(0.99))
    assert activations.flat_from("tanh", 1) == pytest.approx(math.atanh(math.sqrt(0.99)), abs=0.01)
    assert activations.flat_from("sigmoid", -1) == activations.flat_from("softmax", 1)
    said = tell(activations)
    left = dict(re.findall(r"layers, (\w+): ([\d.e-]+) of the last", said))
    assert float(left["sigmoid"]) < 1e-4
    assert min(float(left["tanh"]), float(left["relu"])) > 0.1
