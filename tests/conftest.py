"""What all tests share: how hard hypothesis tries, which files are left out at a desk, and that no
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

# The files that take longest. `pytest` alone leaves them out where CI is not set.
THOROUGH = {
    *("demos/test_docs.py", "demos/test_doctor.py", "demos/test_features.py", "demos/test_gpt.py"),
    *("demos/test_playground.py", "demos/test_stories.py", "drawing/test_browser.py"),
    "load/test_interrupts.py",
    *("native/test_branches.py", "native/test_edges.py", "native/test_elementary.py"),
    *("native/test_formulas.py", "native/test_lean.py", "native/test_networks.py"),
    *("native/test_raised_sums.py", "native/test_raising.py", "native/test_random.py"),
    *("native/test_reads.py", "native/test_repeats.py", "native/test_scale.py"),
    *(
        "nn/drawing/test_plots.py",
        "nn/interop/test_estimators.py",
        "nn/training/test_best_epoch.py",
    ),
    *("nn/training/test_executors.py", "project/test_tree.py", "stepping/test_debugpy.py"),
}
QUICK = "GRADWALK_QUICK"  # set for the processes that share the work


def pytest_configure(config: pytest.Config) -> None:
    """Tests that are chosen in any way are run, whatever they take."""
    chosen = config.option.markexpr or config.option.keyword
    if not CI and not chosen and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ[QUICK] = "1"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the files that take longest."""
    here = Path(__file__).parent
    left_out = QUICK in os.environ and collection_path.relative_to(here).as_posix() in THOROUGH
    return True if left_out else None


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
        much = f"the {len(THOROUGH)} files of tests that take longest"
        terminalreporter.write_line(f"left out: {much}; CI=true python -m pytest runs them too")
    seed = getattr(terminalreporter.config.option, "randomly_seed", "default")
    if exitstatus and seed != "default":
        terminalreporter.write_line(f"the same order again: --randomly-seed={seed}")
