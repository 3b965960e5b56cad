"""One neuron learns what a straight line can divide."""

import math
import re
from collections.abc import Callable

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")

from demos import neuron

Tell = Callable[..., str]


def test_a_neuron_learns_and_and_or_and_is_undecided_about_xor(tell: Tell) -> None:
    said = tell(neuron)
    lines = {line.split(":")[0]: line for line in said.splitlines() if ":" in line}
    losses = {gate: float(re.findall(r"loss ([\d.]+)", lines[gate])[0]) for gate in neuron.GATES}
    assert all("4 of 4 right" in lines[gate] for gate in ("AND", "OR"))
    assert max(losses["AND"], losses["OR"]) < 0.1
    assert "4 of 4" not in lines["XOR"]
    assert losses["XOR"] == pytest.approx(math.log(2), abs=1e-3)
