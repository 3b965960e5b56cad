"""What all tests share: how hard hypothesis tries, what is left out at a desk, and that no
test leaves anything behind.

Hypothesis tries a little at a desk; more, and always the same, where CI is set; and with the option
--hypothesis-profile=random as much, but never the same.
"""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.leftovers import changes, forget_own_operations, snapshot

# A slow machine is no failure, and neither is an input that takes long to draw.
_calm = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
_hard = {"max_examples": 150, "stateful_step_count": 50, **_calm}
settings.register_profile("dev", max_examples=25, stateful_step_count=30, **_calm)
settings.register_profile("ci", derandomize=True, **_hard)
settings.register_profile("random", **_hard)
CI = os.environ.get("CI", "").lower() in ("1", "true")
settings.load_profile("ci" if CI else "dev")

# What takes longest: files, and the beginnings of names of tests. `pytest` alone leaves them out
# where CI is not set.
THOROUGH = (
    *("benchmarks/doctor/test_doctor_bench.py::test_a_healthy", "benchmarks/graphs/test_graphs.py"),
    *("benchmarks/native/test_native.py::test_the_program_of_a_gpt_", "core/test_copies.py"),
    *("core/test_deep.py", "core/test_origins.py::test_a_node_is_called_by_the_variable_it_first_"),
    *("demos/test_activations.py", "demos/test_compare.py", "demos/test_digits.py"),
    *("demos/test_distributed.py", "demos/test_docs.py", "demos/test_doctor.py"),
    *("demos/test_features.py", "demos/test_gpt.py", "demos/test_names.py"),
    *("demos/test_neuron.py", "demos/test_playground.py", "demos/test_stories.py"),
    *("demos/test_tour.py", "drawing/test_browser.py", "drawing/test_groups.py::test_one_graph_"),
    *("drawing/test_groups.py::test_boxes_and_loose_", "drawing/test_groups.py::test_a_hundred_"),
    *("drawing/test_text_tree.py::test_a_chain_of_100_000_", "load/test_interrupts.py"),
    *("explain/test_explain.py::test_a_chain_of_100_000_", "load/test_memory.py"),
    *("native/test_branches.py", "native/test_edges.py", "native/test_elementary.py"),
    *("native/test_formulas.py", "native/test_lean.py", "native/test_listing.py"),
    *("native/test_networks.py", "native/test_raised_sums.py", "native/test_raising.py"),
    *("native/test_random.py", "native/test_reads.py", "native/test_repeats.py"),
    *("native/test_scale.py", "native/test_work.py", "nn/checkpoint/test_files.py"),
    *("nn/checkpoint/test_resume.py", "nn/checkpoint/test_wrong_files.py::test_one_flipped_bit_"),
    *("nn/doctor/test_asked.py", "nn/doctor/test_fits.py::test_it_is_named"),
    *("nn/drawing/test_drawing.py::test_pyplot_stays_away", "nn/drawing/test_plots.py"),
    *("nn/interop/test_estimators.py", "nn/test_golden.py::test_old_paths_", "nn/test_microgpt.py"),
    *("nn/test_micrograd.py::test_the_demo_notebook", "nn/training/test_best_epoch.py"),
    *("nn/training/test_executors.py", "nn/training/test_places.py::test_native_and_eager"),
    *(
        "nn/training/test_sequences.py::test_a_norm_at_each_place_is_not_native",
        "project/test_tree.py",
    ),
    *("project/test_types.py", "stepping/test_debugger_views.py::test_a_chain_of_a_hundred_"),
    *("stepping/test_debugger_script.py::test_ctrl_c_on_a_long_way_", "stepping/test_debugpy.py"),
    *(
        "stepping/test_player_safety.py",
        "stepping/test_player_view.py::test_the_step_is_in_view_at_",
    ),
    "stepping/test_unrolled.py::test_20_000_edges_are_written_and_run",
    "test_pages.py::test_a_command_shows_what_its_row_says[python -m demos ",
    "test_pages.py::test_a_page_prints_what_it_says[demos/docs/how-to/dask.md]",
)
QUICK = "GRADWALK_QUICK"  # set for the processes that share the work


def pytest_configure(config: pytest.Config) -> None:
    """Tests that are chosen in any way are run, whatever they take."""
    chosen = config.option.markexpr or config.option.keyword
    if not CI and not chosen and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ[QUICK] = "1"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the files that take longest."""
    name = collection_path.relative_to(Path(__file__).parent).as_posix()
    return True if QUICK in os.environ and name in THOROUGH else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the tests that take longest."""
    if QUICK in os.environ:
        left_out = tuple(f"tests/{name}" for name in THOROUGH)
        items[:] = [item for item in items if not item.nodeid.startswith(left_out)]


# A shell that starts a command in the background lets it ignore Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Each test finds the process as the one before it did, in whatever order they run."""
    before = snapshot()
    with forget_own_operations():
        yield
    if changes(before, snapshot()):
        gc.collect()  # what is left may only wait for the collector
        if left := changes(before, snapshot()):
            pytest.fail("the test leaves behind\n" + "\n".join(left), pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Say what was left out, and how the order of the tests can be had again where one fails."""
    if QUICK in os.environ:
        names = ", ".join(name.replace("test_", "").partition(".py")[0] for name in THOROUGH)
        terminalreporter.write_line(
            f"left out, in whole or in part, for the time it takes: {names}"
        )
        terminalreporter.write_line("CI=true python -m pytest -n auto runs all")
    seed = getattr(terminalreporter.config.option, "randomly_seed", "default")
    if exitstatus and seed != "default":
        terminalreporter.write_line(f"the same order again: --randomly-seed={seed}")
