"""The console of the playground, without a browser: what it runs, and what it tells the page."""

import base64
import doctest
import re
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from demos import _console
from demos._console import MOST, Console

Said = tuple[str, str, str]
Typed = Callable[..., list[Said]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Runs a program and gives what was shown; each test has a console of its own."""
    said: list[Said] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("linecache.cache", {})
    console = Console(lambda *message: said.append(message), Path())

    def run(text: str, echo: bool = False) -> list[Said]:
        said.clear()
        console.run(dedent(text), echo)
        return said

    return run


def texts(said: list[Said], *kinds: str) -> str:
    return "".join(text for kind, text, _ in said if kind in kinds)


def test_a_program_shows_what_has_a_value_and_keeps_its_names(typed: Typed) -> None:
    program = '''
        """What it is for."""
        def double(x):
            "Not shown either."
            return 2 * x

        a = 3
        double(a)  # six
        print("hello")
        (
            a,
        )
    '''
    assert texts(typed(program), "echo", "out") == (
        '>>> double(a)  # six\n6\n>>> print("hello")\nhello\n>>> (\n...     a,\n... )\n(3,)\n'
    )
    assert texts(typed("a"), "out") == "3\n"
    assert texts(typed("b = a", echo=True), "echo") == ">>> b = a\n"
    assert typed("") == typed("# nothing") == []


def test_a_session_is_run_without_its_prompts_and_goes_on_after_an_error(typed: Typed) -> None:
    session = """
        >>> x = 1
        >>> for i in range(2):
        ...     x += i
        >>> x / 0
        Traceback (most recent call last):
        ZeroDivisionError: something
        >>> x
        2
    """
    said = typed(session)
    assert texts(said, "echo").splitlines() == [
        ">>> x = 1", ">>> for i in range(2):", "...     x += i", ">>> x / 0", ">>> x"
    ]  # fmt: skip
    assert texts(said, "out") == "2\n"
    assert texts(said, "error").endswith("ZeroDivisionError: division by zero\n")


def test_a_program_that_only_holds_a_session_is_no_session(typed: Typed) -> None:
    program = 'def f():\n    """\n    >>> f()\n    2\n    """\n    return 1\nf()'
    assert texts(typed(program), "out") == "1\n"
    assert "SyntaxError" in texts(typed(">>> 1\n  >>>2"), "error")


def test_ctrl_c_ends_a_session(typed: Typed) -> None:
    said = typed(">>> 1\n1\n>>> raise KeyboardInterrupt\n>>> 2\n2\n")
    assert (texts(said, "out"), texts(said, "error")) == ("1\n", "KeyboardInterrupt\n")


def test_its_example_runs() -> None:
    assert doctest.testmod(_console).failed == 0


def test_errors_show_the_lines_of_the_user_alone_and_end_a_program(typed: Typed) -> None:
    said = typed("from engine import Value\ndef f(x):\n    return Value(x)\nf('1')\nprint('no')")
    told = texts(said, "error")
    assert re.findall(r'File "(.*)", line (\d+)', told) == [("<run 1>", "4"), ("<run 1>", "3")]
    assert "    return Value(x)\n" in told
    assert told.splitlines()[-1].startswith("TypeError: a Value holds an int, a float")
    assert "engine/" not in told
    assert texts(said, "out") == ""


@pytest.mark.parametrize(
    ("program", "last"),
    [
        ("x = (", "SyntaxError: '(' was never closed"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("try:\n    1/0\nexcept ZeroDivisionError:\n    {}['a']", "KeyError: 'a'"),
    ],
)
def test_whatever_ends_a_program_leaves_the_console_running(
    typed: Typed, program: str, last: str
) -> None:
    told = texts(typed(program), "error")
    assert told.splitlines()[-1] == last
    assert "_console" not in told
    assert texts(typed("1 + 1"), "out") == "2\n"


def test_names_and_lines_of_values_are_those_of_the_program(typed: Typed) -> None:
    said = typed(
        """
        from engine import Value
        from engine.drawing import to_dot, tree
        x, w = Value(2.0), Value(3.0)
        y = (x * w).tanh()
        tree(y)
        """
    )
    rows = texts(said, "out").splitlines()
    assert rows[1].startswith("y = tanh")
    assert rows[-1].split()[:2] == ["└─", "w"]
    assert "made in &lt;run 1&gt;:5" in texts(typed("print(y.to_svg())"), "out")


def test_pictures_are_shown_as_pictures_and_values_as_text(typed: Typed) -> None:
    said = typed(
        "from engine import Value\nfrom engine.drawing import draw\nx = Value(2.0)\ndraw(x)\nx"
    )
    assert [kind for kind, *_ in said if kind != "echo"] == ["svg", "out"]
    assert "<svg" in texts(said, "svg")
    assert texts(said, "out").startswith("Value(data=2.0")
    table = typed("class Table:\n    def _repr_html_(self): return '<b>1</b>'\nTable\nTable()")
    assert texts(table, "html") == "<b>1</b>"
    assert texts(table, "out").startswith("<class")


def test_files_are_shown_when_they_are_written(typed: Typed, tmp_path: Path) -> None:
    typed("from pathlib import Path")
    ((kind, content, name),) = typed("p = Path('a.txt'); n = p.write_text('one')")
    assert (kind, base64.b64decode(content), name) == ("file", b"one", "a.txt")
    assert typed("n = p.read_text()") == []
    (tmp_path / "sub").mkdir()
    said = typed("for name in 'sub/b.txt', 'a.txt': Path(name).write_text('three')")
    assert [name for *_, name in said] == ["a.txt", str(Path("sub", "b.txt"))]


def test_a_loop_that_prints_sends_few_messages_and_not_more_than_can_be_shown(
    typed: Typed,
) -> None:
    said = typed("for i in range(100_000): print(i)")
    assert len(said) < 1000
    assert len(texts(said, "out")) <= MOST
    assert said[-1][:2] == ("error", "... and more, which is not shown\n")
    assert texts(typed("print('again')"), "out") == "again\n"


def test_python_is_as_it_was_after_a_run(typed: Typed) -> None:
    before = sys.stdout, sys.stderr, sys.displayhook
    typed("import sys\nprint(1, file=sys.stderr)\n1/0")
    assert (sys.stdout, sys.stderr, sys.displayhook) == before
