"""The doctor's causes at both sides of each number that they compare with."""

import pytest

from nn.doctor.fit_causes import CAUSES
from tests.nn.doctor import edges, grids, loop_edges, loop_grids, loop_steps
from tests.nn.doctor.reports import keep

# only a whole training, or a whole loop, has their symptoms
WHOLE = "frozen_layer", "dropout_at_evaluation"
WHOLE_LOOP = "frozen_layer", "dropout_at_evaluation", "other_parameters", "shared_weights", "rows"


@pytest.mark.parametrize("name", grids.GRIDS)
def test_a_cause_says_what_it_said_of_a_training(name: str) -> None:
    keep(f"symptoms of {name}", "\n".join(grids.answers(name)))


@pytest.mark.parametrize("name", edges.EDGES)
def test_a_cause_says_what_it_said_of_a_training_with_several_parts(name: str) -> None:
    keep(f"edges of {name}", "\n".join(edges.answers(name)))


@pytest.mark.parametrize("name", loop_grids.GRIDS)
def test_a_cause_says_what_it_said_of_a_loop(name: str) -> None:
    keep(f"symptoms of {name} in a loop", "\n".join(loop_grids.answers(name)))


@pytest.mark.parametrize("name", loop_edges.EDGES)
def test_a_cause_says_what_it_said_of_a_loop_with_several_parts(name: str) -> None:
    keep(f"edges of {name} in a loop", "\n".join(loop_edges.answers(name)))


@pytest.mark.parametrize("name", loop_steps.STEPS)
def test_a_cause_says_what_it_said_of_the_steps_of_a_loop(name: str) -> None:
    keep(f"steps of {name} in a loop", "\n".join(loop_steps.step_answers(name)))


def test_all_causes_are_here() -> None:
    assert {*grids.GRIDS} == {*CAUSES} - {*WHOLE}
    assert {*edges.EDGES} == {*CAUSES}
    assert {*loop_grids.GRIDS} == {*loop_grids.CAUSES} - {*WHOLE_LOOP}
