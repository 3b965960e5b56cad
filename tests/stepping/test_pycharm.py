"""A session in PyCharm: its own debugger, from PyPI, spoken to as PyCharm speaks to it."""

import os
from pathlib import Path

import pytest

from tests.stepping.pycharm import STEP_OVER, Client
from tests.stepping.pythons import THIS, VERSIONS, environment, interpreter
from tests.stepping.test_debugpy import END, LOOP, PROGRAM

PYDEVD = os.environ.get("GRADWALK_PYDEVD", "")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As PyCharm has it: its debugger lies before all else on the path."""
    if not (Path(PYDEVD) / "pydevd.py").is_file():
        # next to debugpy, which has a copy of its own, they would get into each other's way
        pytest.skip(
            "PyCharm's debugger is not here: pip install --target FOLDER pydevd-pycharm, "
            "and set GRADWALK_PYDEVD=FOLDER"
        )
    env = environment(tmp_path_factory.mktemp("installed"))
    return env | {"PYTHONPATH": os.pathsep.join([PYDEVD, env["PYTHONPATH"]])}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_in_the_users_own_loop(env: dict[str, str], tmp_path: Path, version: str) -> None:
    program = tmp_path / "run.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with Client(interpreter(version), program, env) as ide:
        ide.stop_at(program, LOOP, "step.parent is w")
        ide.stop_at(program, END)
        ide.run()
        assert ide.stopped() == LOOP
        assert ide.evaluate("'%d.%d' % __import__('sys').version_info[:2]") == version
        pane = ide.variables()
        assert pane["step"] == "w.grad 0 -> 0.501  (+= 1 × 0.501)  n = x * w  run.py:4"
        assert pane["n"] == "data 1.002  grad 1  n = x * w  run.py:4"
        assert [*ide.variables("n").items()] == [
            ("data", "1.002"),
            ("grad", "1.0"),
            ("op", "mul"),
            ("origin", "run.py:4  x * w"),
            ("<- x", "local 2  contributes 2"),
            ("<- w", "local 0.501  contributes 0.501"),
        ]
        assert ide.variables("loss", "<- n", "<- w")["grad"] == "0.501"
        assert ide.evaluate("n") == pane["n"]
        assert ide.evaluate("n.parents[1] is w") == "True"
        ide.go(STEP_OVER)
        assert ide.stopped() == LOOP - 1
        ide.go()
        assert ide.stopped() == LOOP  # the condition holds on a second edge
        assert ide.variables("step")["before"] == "0.501"
        ide.go()
        assert ide.stopped() == END
        ide.set("w", "grad", to="n.data * 2")
        ide.set("w", "data", to="4.5")
        ide.set("n", "data", to="3.0")  # it was computed, and stays as it is
        assert ide.variables("w")["grad"] == "2.004"
        assert ide.variables("n")["data"] == "1.002"
        assert ide.variables("n")["<- w"] == "changed since: build the expression again"
        ide.go()
        assert ide.ended() == (0, "w.data 4.5 w.grad 2.004\n")


def test_where_our_view_fails_the_debuggers_own_is_shown(
    env: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "run.py"
    broken = (
        "from engine import Value\nfrom engine.stepping import variables\nx = Value(2.0)\n"
        "def broken(*_):\n    raise RecursionError('a bug of ours')\n"
        "variables.text = variables.children = broken\nprint('done')\n"
    )
    program.write_text(broken, encoding="utf-8")
    with Client(interpreter(THIS), program, env) as ide:
        ide.stop_at(program, 7)
        ide.run()
        assert ide.stopped() == 7
        assert "Value object" in ide.variables()["x"]
        assert ide.variables("x")["data"] == "2.0"
        ide.go()
        assert ide.ended() == (0, "done\n")
