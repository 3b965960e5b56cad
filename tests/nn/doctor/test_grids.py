"""The doctor's causes at both sides of each number that they compare with."""

from collections.abc import Callable, Iterable

import pytest

from nn.doctor.fit_causes import CAUSES
from tests.nn.doctor import edges, grids, loop_edges, loop_grids, loop_steps
from tests.nn.doctor.reports import keep

# only a whole training, or a whole loop, has their symptoms
WHOLE = "frozen_layer", "dropout_at_evaluation"
WHOLE_LOOP = "frozen_layer", "dropout_at_evaluation", "other_parameters", "shared_weights", "rows"


KINDS: list[tuple[str, Iterable[str], Callable[[str], Iterable[str]]]] = [
    ("symptoms of {}", grids.GRIDS, grids.answers),
    ("edges of {}", edges.EDGES, edges.answers),
    ("symptoms of {} in a loop", loop_grids.GRIDS, loop_grids.answers),
    ("edges of {} in a loop", loop_edges.EDGES, loop_edges.answers),
    ("steps of {} in a loop", loop_steps.STEPS, loop_steps.step_answers),
]
ASKED = {what.format(name): (answers, name) for what, names, answers in KINDS for name in names}


@pytest.mark.parametrize("what", ASKED)
def test_a_cause_says_what_it_said(what: str) -> None:
    answers, name = ASKED[what]
    keep(what, "\n".join(answers(name)))


def test_all_causes_are_here() -> None:
    assert {*grids.GRIDS} == {*CAUSES} - {*WHOLE}
    assert {*edges.EDGES} == {*CAUSES}
    assert {*loop_grids.GRIDS} == {*loop_grids.CAUSES} - {*WHOLE_LOOP}
