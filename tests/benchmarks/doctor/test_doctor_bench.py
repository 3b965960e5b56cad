"""Every fault changes the script it is planted in, and healthy scripts learn."""

import ast

import pytest

from tests.benchmarks.doctor.fault import Fault, changed, swap
from tests.benchmarks.doctor.faults import FAULTS
from tests.benchmarks.doctor.measure import mended
from tests.benchmarks.doctor.run import Cause, Outcome, run
from tests.benchmarks.doctor.table import Case, show, wilson
from tests.benchmarks.doctor.trainings import TRAININGS


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_changes_the_script_and_says_where(fault: Fault) -> None:
    homes = [training for training in TRAININGS.values() if fault.suits(training)]
    assert homes
    for training in homes:
        text = fault.plant(training, 0)
        ast.parse(text)
        assert text != training.script(0)
        assert bool(fault.lines(training, 0)) == bool(fault.at)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_healthy_training_learns(name: str) -> None:
    outcome = run(TRAININGS[name].script(0), lambda score: False)
    assert outcome.score > (0.3 if TRAININGS[name].data.regression else 0.9), outcome.said
    assert not outcome.causes


def test_an_edited_line_counts_with_its_statement() -> None:
    assert changed("a\nb\nc\n", "a\nB\nc\nd\n") == {2, 4}
    fault, training = Fault("f", swap(r"lr=[\d.]+", "lr=5.0")), TRAININGS["iris"]
    lines = fault.plant(training, 0).splitlines()
    span = [lines[line - 1].strip() for line in sorted(fault.lines(training, 0))]
    assert span[0] == "history = fit("
    assert "optimizer=lambda p: Adam(p, lr=5.0)," in span
    assert span[-1] == ")"


def _case(*causes: Cause) -> Case:
    fault = Fault("lr_too_high", (), says="learning rate")
    return Case(fault, "iris", "", Outcome(0.0, [*causes]), True, frozenset({3}))


def test_what_is_named_is_judged_by_name_rank_and_line() -> None:
    wrong, right = Cause("dead", "", frozenset()), Cause("lr_too_high", "", frozenset({3}), True)
    assert (_case(wrong, right).rank, _case(wrong).rank, _case().rank) == (1, None, None)
    assert _case(right).line
    assert _case(Cause(None, "lower the Learning Rate", frozenset())).rank == 0
    assert not _case(Cause(None, "lower the learning rate", frozenset())).line
    text, rows = show([_case(right), _case(wrong, right), _case()], [Outcome(1.0)])
    shares = [row.ours for row in rows[:7]]
    assert shares == ["1 of 3", "2 of 3", "1 of 2", "2 of 3", "2 of 2", "0 of 0", "0 of 1"]
    assert "| lr_too_high | 3" in text


def test_an_error_of_the_training_is_what_was_said() -> None:
    outcome = run("x = 1\nraise ValueError('no good')\n")
    assert [(cause.text, cause.lines) for cause in outcome.causes] == [
        ("ValueError: no good", frozenset({2}))
    ]


def test_a_remedy_is_put_on_the_line_of_its_cause() -> None:
    script = "a = f(lr=1.0)\nfit(\n    model,\n    lr=5.0,\n    widths=[1, 3],\n)\n"
    cause = Cause("x", "", frozenset({2}), None, "fit(..., lr=0.1, widths=[8, 3])")
    new = mended(script, cause)
    assert new == script.replace("lr=5.0", "lr=0.1").replace("[1, 3]", "[8, 3]")
    assert mended(script, Cause("x", "", frozenset({2}), None, "more rows")) is None


def test_an_interval_of_a_share() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
