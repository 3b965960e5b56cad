"""The measuring itself, and the two promises that are exact and so need no clock."""

import gc
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import PAGE, README
from tests.benchmarks.chain import garbage
from tests.benchmarks.files import files_run, native_fit
from tests.benchmarks.gpt import BARE, contender
from tests.benchmarks.harness import Contender, Effort, Race, check_equal, race
from tests.benchmarks.jobs import jobs_rows
from tests.benchmarks.memory import LIMIT, bytes_and_nodes, expressions
from tests.benchmarks.moons import STEPS, rows
from tests.benchmarks.report import Row, bound, digest, duration, rows_of, table, write_into
from tests.benchmarks.systems import GRADWALK, MICROGRAD


def answering(system: str, *numbers: float) -> Contender:
    return Contender(system, lambda: None, lambda: numbers)


def test_contenders_take_turns() -> None:
    turns: list[str] = []
    pair = [Contender(s, partial(turns.append, s), lambda: [1.0]) for s in "AB"]
    result = race(pair, Effort(rounds=4, fewest=2, at_least=1e-9))
    assert "".join(turns).endswith("AABBAABBAABBAABB")  # one run each to warm up, one timed
    assert [len(result.seconds[s]) for s in "AB"] == [4, 4]
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_slow_workloads_get_fewer_rounds_but_never_too_few() -> None:
    effort = Effort(rounds=41, fewest=7, budget=15.0)
    assert [effort.rounds_of(seconds) for seconds in (0.1, 1.0, 10.0)] == [41, 15, 7]


def test_different_answers_are_not_compared() -> None:
    check_equal(answering("A", 1.0, 2.0), answering("B", 1.0, 2.0 + 1e-9))
    with pytest.raises(ValueError, match=r"number 1 is 2.0 for A and 2.00001 for B"):
        check_equal(answering("A", 1.0, 2.0), answering("B", 1.0, 2.00001))
    with pytest.raises(ValueError, match="A gives 2 numbers and B 1"):
        check_equal(answering("A", 1.0, 2.0), answering("B", 1.0))
    with pytest.raises(ValueError, match="nan for A"):
        check_equal(answering("A", float("nan")), answering("B", float("nan")))


def test_ratios_are_taken_round_by_round() -> None:
    result = Race({GRADWALK: [1e-6, 2e-6, 1e-6], MICROGRAD: [3e-6, 6e-6, 2e-6]})
    (row,) = rows_of("readme", result, {MICROGRAD: 2.0})
    assert row == Row(
        "readme", "1.00 us", "micrograd 3.00 us", "**3.00x** (2.00 to 3.00)", "≥ 2x: ok"
    )
    (row,) = rows_of("readme", result, {MICROGRAD: 3.1})
    assert row.target == "≥ 3.1x: short"
    assert bound(1.5, 1.5, "x") == "≤ 1.5x: ok"
    assert bound(1.6, 1.5, "x") == "≤ 1.5x: short"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.5, "2.50 s"),
        (0.0123, "12.3 ms"),
        (1.5e-4, "150 us"),
        (9.996e-5, "100.0 us"),
        (3e-8, "30.0 ns"),
    ],
)
def test_durations_have_three_digits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_table_is_written_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    start, end = "<!-- native benchmarks -->", "<!-- /native benchmarks -->"
    page.write_text(f"before\n{start}\nold\n{end}\nafter\n", encoding="utf-8")
    text = table([Row("readme", "1 us", "micrograd 3 us", "3x")], "note")
    write_into(page, text, "native")
    write_into(page, text, "native")
    assert page.read_text(encoding="utf-8") == f"before\n{start}\n{text}\n{end}\nafter\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="once each; put them in"):
        write_into(page, text, "native")
    assert page.read_text(encoding="utf-8") == "no marks"


def test_the_readme_shows_five_rows_of_the_page_as_they_stand_there() -> None:
    page, readme = (path.read_text(encoding="utf-8") for path in (PAGE, README))
    rows = digest(page)
    assert rows.count("\n") == 1 + 5
    assert f"<!-- five benchmarks -->\n{rows}\n<!-- /five benchmarks -->" in readme
    assert "target" not in table([], "", targets=False)


def test_a_step_of_moons_has_a_gradient_for_each_parameter() -> None:
    step = STEPS[GRADWALK](rows(3))
    loss, *gradients = before = step.answer()
    assert loss > 0
    assert len(gradients) == 337
    assert step.answer() == before
    step.run()
    assert step.answer()[0] < loss


def test_a_transformer_is_the_same_in_values_that_do_nothing_else() -> None:
    ours, bare = contender(GRADWALK, 3), contender(BARE, 3)
    check_equal(ours, bare)
    loss, *gradients = bare.answer()
    assert 0.0 < loss < 10.0
    assert len(gradients) == (27 + 3 + 4 * 16 + 64 + 27) * 16 + 16 * 64
    assert bare.answer() == [loss, *gradients]
    assert not any(gradients[26 * 16 : 27 * 16])  # the token that is not there


def test_a_node_takes_no_more_than_promised() -> None:
    size, nodes = bytes_and_nodes(expressions(GRADWALK), "parents")
    assert nodes > 2000
    assert size / nodes <= LIMIT


def test_a_dropped_graph_leaves_nothing_for_the_cycle_collector() -> None:
    assert garbage() == 0


def test_files_that_a_fit_runs_through_are_counted_and_few_are_of_nn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nn.training.native.UPDATED", Counter())  # as if no test had trained
    assert files_run(lambda: None) == (set(), 0)
    native_fit(3)()
    files, functions = files_run(native_fit(4))
    names = {file.as_posix() for file in files}
    assert {"engine/native/program.py", "nn/training/fit.py", "nn/training/native.py"} <= names
    assert functions > len(files)
    assert sum(name.startswith("nn/") for name in names) <= 24


def test_a_job_is_short_where_a_score_is_beyond_the_spread_or_it_costs_more() -> None:
    def run(score: float, seconds: float, memory: float) -> dict[str, float]:
        return {"score": score, "seconds": seconds, "memory": memory, "data": 1e8}

    peers = {"scikit-learn": [run(0.8, 2.0, 0.0)], "PyTorch": [run(0.9, 8.0, 0.0)] * 2}
    good = jobs_rows("iris", {GRADWALK: [run(0.88, 1.0, 9e7), run(0.92, 1.0, 9e7)], **peers})
    assert [(r.workload, r.figure, r.target) for r in good] == [
        ("iris", "**2.0x** CPU time", "ok"),
        ("iris", "**8.0x** CPU time", ""),
    ]
    assert good[0].ours == "0.900 ± 0.020, 1.00 s, 90 MB"
    bad = jobs_rows("iris", {GRADWALK: [run(0.85, 3.0, 2e8), run(0.86, 3.0, 2e8)], **peers})
    assert bad[0].target == "short: score, CPU time, memory"
