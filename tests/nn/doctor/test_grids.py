"""The doctor's causes at both sides of each number that they compare with."""

import pytest

from nn.doctor.fit_causes import CAUSES
from tests.nn.doctor.grids import GRIDS, answers
from tests.nn.doctor.reports import keep

WHOLE = "frozen_layer", "dropout_at_evaluation"  # only a whole training has their symptoms


@pytest.mark.parametrize("name", GRIDS)
def test_a_cause_says_what_it_said_of_these_symptoms(name: str) -> None:
    keep(f"symptoms of {name}", "\n".join(answers(name)))


def test_all_causes_are_here() -> None:
    assert {*GRIDS} == {*CAUSES} - {*WHOLE}
