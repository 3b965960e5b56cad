"""What all tests share: how hard hypothesis tries, and that no test leaves anything behind.

Hypothesis tries a little at a desk; more, and always the same, where CI is set; and with the option
--hypothesis-profile=random as much, but never the same.
"""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.leftovers import changes, forget_own_operations, snapshot

# A slow machine is no failure, and neither is an input that takes long to draw.
_calm = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
_hard = {"max_examples": 150, "stateful_step_count": 50, **_calm}
settings.register_profile("dev", max_examples=25, stateful_step_count=30, **_calm)
settings.register_profile("ci", derandomize=True, **_hard)
settings.register_profile("random", **_hard)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in ("1", "true") else "dev")

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
    """Where something fails, the order of the tests can be had again."""
    seed = getattr(terminalreporter.config.option, "randomly_seed", "default")
    if exitstatus and seed != "default":
        terminalreporter.write_line(f"the same order again: --randomly-seed={seed}")
