"""Which layout program draws, in which order, and what is said when none can."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Value
from engine.drawing import LayoutError, draw, to_dot, to_png, to_svg, use_layout
from engine.drawing.layout import render

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake programs are scripts")

MakeDot = Callable[[str, str], Path]


@pytest.fixture
def fake_dot(tmp_path: Path) -> MakeDot:
    def make(folder: str, script: str) -> Path:
        program = tmp_path / folder / "dot"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without dot: nothing is set, and PATH leads to an empty directory."""
    monkeypatch.delenv("GRADWALK_DOT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return monkeypatch


def test_the_variable_goes_before_path_and_path_before_the_embedded(
    bare: pytest.MonkeyPatch, fake_dot: MakeDot
) -> None:
    named = fake_dot("named", "echo from the variable")
    found = fake_dot("found", "echo from PATH")
    assert render("digraph {}").startswith(b"<?xml")
    bare.setenv("PATH", str(found.parent))
    assert render("digraph {}") == b"from PATH\n"
    bare.setenv("GRADWALK_DOT", str(named))
    assert render("digraph {}") == b"from the variable\n"


def test_the_program_gets_the_format_and_the_source(
    bare: pytest.MonkeyPatch, fake_dot: MakeDot
) -> None:
    echo = fake_dot("bin", "echo $*; /bin/cat")
    bare.setenv("GRADWALK_DOT", str(echo))
    x = Value(1.0, label="σ′")
    assert to_svg(x) == f"-Tsvg\n{to_dot(x)}"
    assert to_png(x).startswith(b"-Tpng\n")


def test_without_dot_pygraphviz_draws_and_its_chatter_stays_hidden(
    bare: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bare.setenv("FONTCONFIG_FILE", str(tmp_path / "missing.conf"))  # this makes it chatter
    path = to_svg(Value(2.0, label="x"), tmp_path / "x.svg")
    assert "data 2" in Path(path).read_text(encoding="utf-8")
    assert to_png(Value(2.0)).startswith(b"\x89PNG")
    assert capfd.readouterr() == ("", "")


def test_a_directory_of_the_user_cannot_shadow_what_the_child_imports(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.delenv("PYTHONPATH", raising=False)
    (tmp_path / "pygraphviz.py").write_text("raise SystemExit('shadowed')")
    bare.chdir(tmp_path)
    assert b"<svg" in render("digraph {}")


def test_without_any_program_the_error_names_three_remedies_and_the_source_remains(
    bare: pytest.MonkeyPatch,
) -> None:
    bare.setitem(sys.modules, "pygraphviz", None)
    x = Value(2.0, label="x")
    with pytest.raises(LayoutError) as caught:
        to_svg(x)
    for remedy in ("pip install pygraphviz", "`dot` is on PATH", "GRADWALK_DOT", "to_dot(value)"):
        assert remedy in str(caught.value)
    assert "data 2" in to_dot(x)
    assert "data 2" in draw(x).source


@pytest.mark.parametrize("hidden", [False, True], ids=["pygraphviz", "nothing"])
def test_a_process_without_dot_draws_and_one_with_nothing_says_what_to_do(
    hidden: bool, tmp_path: Path
) -> None:
    """As a user meets it: a new process that has no PATH, and perhaps no pygraphviz either."""
    code = (
        f"import sys; sys.modules.update({{'pygraphviz': None}} if {hidden} else {{}})\n"
        "from engine import Value\n"
        "x = Value(2.0, 'x'); y = x * x; y.backward()\n"
        "from engine.drawing import draw, to_dot, to_svg\n"
        "print(draw(y)._repr_html_() is None, '->' in to_dot(y), flush=True)\n"
        "to_svg(y, sys.argv[1], legend=False)\n"
    )
    picture = tmp_path / "y.svg"
    ran = subprocess.run(
        [sys.executable, "-c", code, picture],
        cwd=Path(__file__).parents[2],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == f"{hidden} True\n"
    assert picture.exists() is not hidden
    if hidden:
        *_, said = ran.stderr.splitlines()
        assert said.startswith("engine.drawing.layout.LayoutError: found no program to lay out")
        for remedy in ("pip install pygraphviz", "https://graphviz.org/download", "GRADWALK_DOT"):
            assert remedy in said
    else:
        assert (ran.returncode, ran.stderr) == (0, "")
        assert picture.read_text(encoding="utf-8").count('class="node') == 2


def test_a_variable_that_names_no_program_is_an_error(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("GRADWALK_DOT", "/nowhere/dot")
    with pytest.raises(LayoutError, match="GRADWALK_DOT is '/nowhere/dot', which is not a program"):
        to_svg(Value(1.0))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo out of ink >&2; exit 3", "ended with code 3 and 0 bytes, saying: out of ink;"),
        ("exit 0", "ended with code 0 and 0 bytes, saying: nothing;"),
        ("printf '1\\n2\\n3\\n4\\n5\\n' >&2; exit 3", "saying: 3 / 4 / 5;"),
        ("kill -SEGV $$", "ended with code -11 and 0 bytes"),
    ],
)
def test_a_program_that_fails_is_quoted(
    bare: pytest.MonkeyPatch, fake_dot: MakeDot, tmp_path: Path, script: str, said: str
) -> None:
    bare.setenv("GRADWALK_DOT", str(fake_dot("bin", script)))
    with pytest.raises(LayoutError, match=said):
        to_svg(Value(1.0), tmp_path / "x.svg")
    assert not (tmp_path / "x.svg").exists()


def test_a_program_that_cannot_be_started_is_an_error(
    bare: pytest.MonkeyPatch, fake_dot: MakeDot
) -> None:
    program = fake_dot("bin", "")
    program.write_text("#!/nowhere/interpreter\n")
    bare.setenv("GRADWALK_DOT", str(program))
    with pytest.raises(LayoutError, match=r"cannot run .*dot"):
        to_svg(Value(1.0))


def test_a_layout_past_its_time_is_ended_with_all_that_it_started(
    bare: pytest.MonkeyPatch, fake_dot: MakeDot, tmp_path: Path
) -> None:
    late = tmp_path / "late"
    bare.setenv("GRADWALK_DOT", str(fake_dot("bin", f"(/bin/sleep 2; echo > '{late}') & wait")))
    begin = time.monotonic()
    with pytest.raises(LayoutError, match=r"more than 0.2 s .* timeout=\.\.\.\. .*to_dot\(value\)"):
        to_svg(Value(1.0), timeout=0.2)
    assert time.monotonic() - begin < 1.9
    time.sleep(2.2 - (time.monotonic() - begin))
    assert not late.exists()


@pytest.mark.parametrize("seconds", [0.1, 30])
def test_ctrl_c_stays_what_it_is_whether_the_layout_ends_or_not(
    seconds: float, bare: pytest.MonkeyPatch, fake_dot: MakeDot
) -> None:
    """A layout that ends just after Ctrl-C has nothing left that could be killed."""
    bare.setenv("GRADWALK_DOT", str(fake_dot("bin", f"exec /bin/sleep {seconds}")))

    def press(self: object, *args: object) -> None:
        if seconds < 1:
            self.wait()  # type: ignore[attr-defined]  # as subprocess does for a quarter second
        raise KeyboardInterrupt

    bare.setattr(subprocess.Popen, "communicate", press)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        to_svg(Value(1.0))
    assert time.monotonic() - begin < 10


@pytest.fixture
def own_layout() -> Iterator[list[tuple[str, str]]]:
    """A layout function that draws nothing, and what it was asked for."""
    asked: list[tuple[str, str]] = []

    def layout(source: str, format: str) -> str | bytes:
        asked.append((source, format))
        return f"<svg>{len(asked)}</svg>" if format == "svg" else b"pixels"

    use_layout(layout)
    yield asked
    use_layout(None)


def test_a_function_draws_in_place_of_every_program(
    own_layout: list[tuple[str, str]], bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setitem(sys.modules, "pygraphviz", None)
    x = Value(1.0, label="x")
    assert to_svg(x, tmp_path / "x.svg") == str(tmp_path / "x.svg")
    assert to_png(x) == b"pixels"
    assert draw(x).pipe("svg") == b"<svg>3</svg>"
    assert own_layout == [(to_dot(x), format) for format in ("svg", "png", "svg")]
    assert (tmp_path / "x.svg").read_text() == "<svg>1</svg>"


def test_a_function_that_fails_or_gives_no_picture_writes_none(tmp_path: Path) -> None:
    def fails(source: str, format: str) -> str:
        raise LayoutError(f"no {format} here")

    x = Value(1.0)
    try:
        use_layout(fails)
        with pytest.raises(LayoutError, match="no svg here"):
            to_svg(x, tmp_path / "x.svg")
        for nothing in (None, "", b"", 7):
            use_layout(lambda source, format, nothing=nothing: nothing)
            with pytest.raises(LayoutError, match=f"gave {nothing!r}, which is no picture; .*svg"):
                to_svg(x, tmp_path / "x.svg")
    finally:
        use_layout(None)
    assert not (tmp_path / "x.svg").exists()
    assert to_svg(x).startswith("<?xml")


def test_what_cannot_be_called_is_no_layout_and_changes_nothing(
    own_layout: list[tuple[str, str]],
) -> None:
    with pytest.raises(TypeError, match="takes a function of DOT text and a format, got str; give"):
        use_layout("dot")  # type: ignore[arg-type]
    assert to_svg(Value(1.0)) == "<svg>1</svg>"


def test_the_engine_alone_never_imports_the_drawing_room() -> None:
    code = (
        "import sys, engine; sys.exit(any('drawing' in m or 'graphviz' in m for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
