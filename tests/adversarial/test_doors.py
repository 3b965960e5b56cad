"""Whatever is handed in at a door gives a result, or an error that is meant; nothing else."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from tests.adversarial.doors import DOORS
from tests.adversarial.judge import judged

CORPUS = Path(__file__).parents[1] / "data" / "corpus"


def corpus(name: str) -> list[Any]:
    """The cases that are kept for a door: a Python literal in each line."""
    lines = (CORPUS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [ast.literal_eval(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{i}")
        for name in DOORS
        for i, case in enumerate(corpus(name))
    ],
)
def test_a_case_that_is_kept(name: str, case: Any) -> None:
    judged(DOORS[name].enter, case)


# The same cases each time, whatever seed the run has: that no door will ever be found open is not
# what a change can be held to. New cases are looked for by `python -m tests.adversarial`.
@pytest.mark.parametrize("name", DOORS)
@seed(0)
@given(data=st.data())
def test_whatever_is_handed_in(name: str, data: st.DataObject) -> None:
    judged(DOORS[name].enter, data.draw(DOORS[name].cases))
