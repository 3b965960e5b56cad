"""VS Code's debugger on the user's own program: debugpy, spoken to as VS Code speaks to it."""

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stepping.dap import Client, Refused, Stop
from tests.stepping.pythons import ROOT, THIS, VERSIONS, environment, interpreter

PROGRAM = """\
from engine import Value

x, w = Value(0.501, "x"), Value(2.0)
n = x * w
loss = n + w * 3.0
for step in loss.backward_steps():
    seen = step.index
kept = {x: w}
run = loss.trace_backward()
print("w.data", w.data, "w.grad", w.grad)
"""
LOOP, END = 7, 10
PLUGIN = "pydevd_plugin_gradwalk.py"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def client() -> Iterator[Client]:
    pytest.importorskip("debugpy", reason="debugpy is not installed: it is in the extra `test`")
    with Client() as client:
        yield client


@pytest.fixture
def start(client: Client, env: dict[str, str], tmp_path: Path) -> Any:
    def start(code: str, *breakpoints: dict[str, Any], version: str = THIS) -> Stop:
        """The first stop of a program with those breakpoints, under the default settings."""
        program = tmp_path / "run.py"
        program.write_text(code, encoding="utf-8")
        found = client.launch(program, list(breakpoints), interpreter(version), env)
        assert [each["verified"] for each in found] == [True] * len(breakpoints)
        return client.stopped()

    return start


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_in_the_users_own_loop(start: Any, client: Client, version: str) -> None:
    where = ({"line": LOOP, "condition": "step.parent is w"}, {"line": END})
    stop = start(PROGRAM, *where, version=version)
    assert (stop.reason, stop.line, len(stop.frames)) == ("breakpoint", LOOP, 1)
    minor = stop.evaluate("__import__('sys').version_info.minor")
    assert f"3.{minor}" == version
    pane = stop.variables()
    assert pane["step"]["value"] == "w.grad 0 -> 0.501  (+= 1 × 0.501)  n = x * w  run.py:4"
    assert pane["n"]["value"] == "data 1.002  grad 1  n = x * w  run.py:4"
    assert pane["w"]["value"] == "data 2  grad 0.501  w"
    assert list(stop.variables("step"))[:5] == ["index", "node", "upstream", "position", "parent"]
    rows = {name: row["value"] for name, row in stop.variables("n").items()}
    assert rows == {
        "data": "1.002",
        "grad": "1.0",
        "op": "mul",
        "origin": "run.py:4  x * w",
        "<- x": "local 2  contributes 2",
        "<- w": "local 0.501  contributes 0.501",
    }
    assert stop.variables("n")["<- w"]["evaluateName"] == "n.parents[1]"
    assert "data" in stop.variables("loss", "<- n", "<- w")
    assert stop.evaluate("w") == "data 2  grad 0.501  w"
    assert stop.evaluate("n.parents[1] is w") == "True"
    assert stop.evaluate("w", "repl") == "Value(data=2.0, grad=0.501)"
    stop.go("next")
    stop = client.stopped()
    assert (stop.reason, stop.line) == ("step", LOOP - 1)
    stop.go("continue")
    stop = client.stopped()  # the condition holds on a second edge
    assert stop.variables("step")["before"]["value"] == "0.501"
    assert stop.evaluate("step.contribution") == "3.0"
    stop.go("continue")
    stop = client.stopped()
    assert stop.variables("run")["position"]["value"] == "0"
    assert stop.set("w", "grad", to="n.data * 2") == "2.004"
    assert stop.set("w", "data", to="4.5") == "4.5"
    assert stop.variables("n")["<- w"]["value"] == "changed since: build the expression again"
    stop.go("continue")
    assert client.ended() == 0
    assert client.output.strip() == "w.data 4.5 w.grad 2.004"


def test_what_cannot_be_set_is_refused_and_nothing_changes(start: Any, client: Client) -> None:
    stop = start(PROGRAM, {"line": END})
    key = next(name for name in stop.variables("kept") if name.startswith("Value("))
    for path, value in [
        (("n", "data"), "3.0"),
        (("n", "<- w"), "3.0"),
        (("n", "op"), "no such name"),
        (("w", "data"), "'three'"),
        (("kept", key, "data"), "'three'"),
        (("kept", key, "op"), "3"),
    ]:
        with pytest.raises(Refused, match="Unable to change"):
            stop.set(*path, to=value)
    assert stop.evaluate("(n.data, w.data, w.op, n.op.name)") == "(1.002, 2.0, None, 'mul')"
    # no Python leads to an item whose key cannot be written
    assert stop.set("kept", key, "data", to="7") == "7"
    assert stop.evaluate("w.data") == "7.0"
    stop.go("continue")
    assert client.ended() == 0


def test_stepping_stays_in_the_users_code(start: Any, client: Client) -> None:
    stop = start(PROGRAM, {"line": LOOP - 1})
    lines = []
    for _ in range(4):
        stop.go("stepIn")
        stop = client.stopped()
        lines.append((Path(stop.frame["source"]["path"]).name, stop.line))
    assert lines == [("run.py", LOOP), ("run.py", LOOP - 1)] * 2
    client.ask("disconnect", terminateDebuggee=True)
    assert "w.data" not in client.output


def test_a_logpoint_tells_the_story(start: Any, client: Client) -> None:
    stop = start(PROGRAM, {"line": LOOP, "logMessage": "{step}"}, {"line": END})
    assert client.output.splitlines() == [
        "n.grad 0 -> 1  (+= 1 × 1)  loss = n + w * 3.0  run.py:5",
        "(w * 3.0).grad 0 -> 1  (+= 1 × 1)  loss = n + w * 3.0  run.py:5",
        "x.grad 0 -> 2  (+= 1 × 2)  n = x * w  run.py:4",
        "w.grad 0 -> 0.501  (+= 1 × 0.501)  n = x * w  run.py:4",
        "w.grad 0.501 -> 3.501  (+= 1 × 3)  w * 3.0  run.py:5",
    ]
    stop.go("continue")
    assert client.ended() == 0


HARD = """\
import engine
from engine import Value

def wrong(y, x):
    raise SystemError("partials of the user's own")

odd = engine.operation("odd", lambda x: x, wrong)(Value(1.0))
evil = Value(1.0, "<img src=x onerror=alert(1)>\\n\\x00\\ud800" + "long" * 1000)
twice = evil * evil
deep = Value(1.0)
for _ in range(100_000):
    deep = deep + 1.0
wide = engine.sum([Value(float(i)) for i in range(5000)])
power = Value(2.0) ** 3
nothing = Value(float("nan")) * float("inf")
from engine.stepping import variables
pass
def broken(*_):
    raise RecursionError("a bug of ours")
variables.text = variables.children = broken
print("done")
"""


def test_hard_cases_show_as_well_as_they_can(start: Any, client: Client) -> None:
    stop = start(HARD, {"line": 17}, {"line": 21})
    pane = stop.variables()
    assert pane["deep"]["value"] == "data 100001  grad 0  deep = deep + 1.0  run.py:12"
    assert pane["nothing"]["value"].startswith("data nan")
    assert all(len(row["value"]) < 200 and "\n" not in row["value"] for row in pane.values())
    assert list(stop.variables("twice"))[-1].endswith("long [1]")
    assert stop.variables("power")["<- 3"]["value"] == "3, a number: takes no gradient"
    *_, edge = stop.variables("odd").values()
    assert edge["value"] == "local nan  contributes nan"
    wide = stop.variables("wide")
    assert len(wide) < 50
    assert list(wide)[4] == "<- [0:50]"
    assert len(stop.variables("wide", "<- [0:50]")) == 50
    stop.go("continue")
    stop = client.stopped()  # now our view raises: the debugger's own is shown
    assert "Value object" in stop.variables()["power"]["value"]
    rows = stop.variables("power")
    assert rows["data"]["value"] == "8.0"
    assert "parents" in rows
    stop.go("continue")
    assert client.ended() == 0
    assert client.output.strip() == "done"


def test_another_package_called_engine_is_left_alone(
    start: Any, client: Client, tmp_path: Path
) -> None:
    core = tmp_path / "engine" / "core"
    core.mkdir(parents=True)
    (core.parent / "__init__.py").touch()
    (core / "__init__.py").touch()
    (core / "node.py").write_text("class Node:\n    size = 3\n", encoding="utf-8")
    code = "from engine.core.node import Node\nnode = Node()\nprint(node.size)\n"
    stop = start(code, {"line": 3})
    assert stop.variables("node")["size"]["value"] == "3"
    stop.go("continue")
    assert client.ended() == 0
    assert client.output == "3\n"


def test_the_plugin_is_installed_where_debuggers_look() -> None:
    try:
        files = importlib.metadata.files("gradwalk") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("gradwalk is not installed: pip install -e .")
    plugins = {file.name: file for file in files if file.as_posix().startswith("pydevd_plugins")}
    plugins = {name: file for name, file in plugins.items() if name.endswith(".py")}
    assert list(plugins) == [PLUGIN], "install it again"  # no __init__: others put theirs there
    installed = plugins[PLUGIN].locate()
    source = ROOT / "engine" / "stepping" / PLUGIN
    # even an editable install has a copy
    assert Path(str(installed)).read_bytes() == source.read_bytes(), "install it again"


def test_the_plugin_can_be_imported_without_a_debugger() -> None:
    from engine.stepping import pydevd_plugin_gradwalk as plugin

    assert not plugin.GradwalkProvider().can_provide(int, "int")
    assert "_pydevd_bundle" not in sys.modules
