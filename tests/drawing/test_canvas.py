"""A Picture is a `graphviz.Digraph` that needs no `dot`, and tells more where the mouse rests."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphviz
import pytest

import engine
from engine import Value
from engine.drawing import LayoutError, Picture, draw, to_dot, to_png, to_svg, tree

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
FakeDot = Callable[[str], Path]


@pytest.fixture
def fake_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDot:
    """Makes a layout program of a line of shell, and has it taken."""
    if sys.platform == "win32":
        pytest.skip("the fake programs are scripts")

    def make(script: str) -> Path:
        program = tmp_path / "fake dot"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("GRADWALK_DOT", str(program))
        return program

    return make


def product() -> Value:
    y = Value(2.0, "x") * Value(3.0, "w")
    y.label = "y"
    y.backward()
    return y


def titles(svg: str) -> dict[str, str]:
    return {
        group.attrib["id"]: group.findtext(f"{SVG}title") or ""
        for group in ET.fromstring(svg).iter(f"{SVG}g")
    }


# --- as a Digraph --------------------------------------------------------------------------------
def test_a_picture_is_a_digraph_that_can_be_drawn_on() -> None:
    picture = draw(product())
    assert isinstance(picture, graphviz.Digraph)
    picture.node("note", label="mine")
    picture.edge("note", "n2")
    svg = picture.pipe(encoding="utf-8")
    assert ">mine</text>" in svg
    assert set(titles(svg)) >= {"n0", "n1", "n2", "n2-0", "n2-1"}


def test_a_copy_is_a_picture_of_its_own_with_all_that_it_says() -> None:
    picture = draw(product())
    twin = picture.copy()
    assert type(twin) is Picture
    assert twin.source == picture.source
    assert titles(twin.pipe().decode()) == titles(picture.pipe().decode())
    assert "data 6.0" in titles(twin.pipe().decode())["n2"]
    assert twin.remedy() == picture.remedy()
    twin.node("more")
    twin.titles["more"] = "more"
    assert "more" not in picture.source
    assert "more" not in picture.titles


def test_pipe_gives_bytes_or_with_an_encoding_text(fake_dot: FakeDot) -> None:
    picture = draw(product())
    assert picture.pipe().startswith(b"<?xml")
    assert picture.pipe("png").startswith(b"\x89PNG")
    assert picture.pipe("svg", encoding="utf-8") == to_svg(product())
    fake_dot("echo $1")
    assert draw(product()).pipe(format="pdf") == b"-Tpdf\n"
    picture.format = "png"
    assert picture.pipe() == b"-Tpng\n"


@pytest.mark.parametrize(
    "name",
    ["plain", "two words", "日本 é", "-x", "a'b\"c", "$(id)", "%s", "a\\b", "dots.in.it", ";ls"],
)
def test_render_saves_source_and_picture_under_any_name(name: str, tmp_path: Path) -> None:
    picture = draw(product())
    path = Path(picture.render(name, tmp_path / "new" / "folder"))
    assert path == tmp_path / "new" / "folder" / f"{name}.svg"
    assert path.read_text(encoding="utf-8") == to_svg(product())
    assert path.with_name(name).read_text(encoding="utf-8") == picture.source
    cleaned = Path(picture.render(name + "2", tmp_path, format="png", cleanup=True))
    assert cleaned.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [f"{name}2.png"]


def test_render_writes_to_the_outfile_that_was_named(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.svg"
    assert Path(draw(product()).render(outfile=wanted)) == wanted
    assert wanted.read_text(encoding="utf-8") == to_svg(product())


def test_a_layout_that_fails_leaves_no_files(fake_dot: FakeDot, tmp_path: Path) -> None:
    program = fake_dot("exit 3")
    with pytest.raises(LayoutError):
        draw(product()).render("picture", tmp_path)
    with pytest.raises(LayoutError):
        to_png(product(), tmp_path / "picture.png")
    assert [*tmp_path.iterdir()] == [program]


def test_the_methods_of_a_value_are_the_functions(tmp_path: Path) -> None:
    y = product()
    assert y.to_svg(direction="TB") == to_svg(y, direction="TB")
    assert y.to_png() == to_png(y)
    assert y.to_dot(collapse=0) == to_dot(y) == draw(y).source
    assert y._repr_html_() == draw(y)._repr_html_()


@pytest.mark.parametrize("method", ["to_svg", "to_png", "to_html", "to_source"])
def test_what_writes_a_file_returns_its_path(method: str, tmp_path: Path) -> None:
    y = product()
    write = getattr(y.trace_backward() if method == "to_source" else y, method)
    content, kind = write(), method.replace("source", "py").removeprefix("to_")
    path = tmp_path / f"y.{kind}"
    assert write(path) == write(str(path)) == str(path)
    written = path.read_bytes()
    assert (written if kind == "png" else written.decode()) == content


@pytest.mark.parametrize(
    ("method", "name", "remedy"),
    [
        ("to_svg", "y.png", "value.to_png(path)"),
        ("to_svg", "y.html", "value.to_html(path)"),
        ("to_svg", "y.DOT", "draw(value).render(outfile=path)"),
        ("to_png", "y.svg", "value.to_svg(path)"),
        ("to_png", "y.pdf", "draw(value).render(outfile=path)"),
        ("to_html", "y.png", "value.to_png(path)"),
        ("to_source", "y.svg", "value.to_svg(path)"),
    ],
)
def test_a_file_is_not_written_under_the_suffix_of_another_kind(
    method: str, name: str, remedy: str, tmp_path: Path
) -> None:
    y, path = product(), tmp_path / name
    writer = y.trace_backward() if method == "to_source" else y
    kind = method.replace("source", "py").removeprefix("to_")
    error = f"{method} writes .{kind} files, got {path}; give it that suffix, or use {remedy}"
    with pytest.raises(ValueError, match=f"^{re.escape(error)}$"):
        getattr(writer, method)(path)
    assert not path.exists()
    for allowed in (f"y.{kind.upper()}", "y", "loss.v2", "0.01"):
        getattr(writer, method)(tmp_path / allowed)
        assert (tmp_path / allowed).read_bytes()


# --- in notebooks and shells ---------------------------------------------------------------------
def test_a_notebook_shows_text_where_there_is_no_layout_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRADWALK_DOT", str(tmp_path / "nowhere"))
    assert draw(product())._repr_html_() is None
    assert product()._repr_html_() is None
    assert repr(product()).startswith("Value(")


def test_a_terminal_reads_the_tree_in_place_of_a_picture() -> None:
    y = product()
    hint = "a notebook shows the picture, .render(outfile='y.svg') writes it"
    assert repr(draw(y)) == f"{tree(y)}\n{hint}"
    assert str(draw(y)) == to_dot(y)  # as in graphviz
    both = [y, y * 2.0]
    assert repr(draw(both).copy()) == f"{tree(both)}\n{hint}"
    assert len(repr(draw(sum(Value(1.0) for _ in range(99)))).splitlines()) < 50


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "notebook"])
def test_ipython_draws_where_a_picture_can_be_shown_and_only_there(
    terminal: bool, fake_dot: FakeDot, tmp_path: Path
) -> None:
    pytest.importorskip("IPython", reason="IPython is not installed")
    fake_dot(f"echo run >> '{tmp_path}/runs'; /bin/cat > /dev/null; echo '<svg/>'")
    code = f"""if True:
        import json
        from IPython.core.interactiveshell import InteractiveShell
        from engine import Value
        from engine.drawing import draw
        shell = InteractiveShell()
        if {terminal}:
            shell.display_formatter.active_types = ["text/plain"]  # as in a terminal
        y = Value(2.0, "x") * 3.0
        shown = [shell.display_formatter.format(each)[0] for each in (y, draw(y))]
        print(json.dumps([sorted(each) for each in shown]))"""
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    ).stdout
    kinds = ["text/html", "text/plain"][terminal:]
    assert json.loads(printed) == [kinds, kinds]
    runs = tmp_path / "runs"
    assert runs.exists() != terminal
    assert terminal or runs.read_text() == "run\n" * 2


# --- what it says where the mouse rests ----------------------------------------------------------
def test_every_node_and_arrow_has_a_title_of_its_own_at_full_precision() -> None:
    x, w = Value(0.1, "x"), Value(1 / 3, "w")
    y = (x * w + 0.7).tanh()
    y.backward()
    n = y.parents[0].parents[0]
    found = titles(to_svg(y))
    order = engine.topological(y)
    picture = draw(y)
    assert set(picture.titles) == set(found) - {"graph0"}
    drawn = [node for node in order if node.op is not engine.core.ops.CONSTANT]
    for node, ident in zip(drawn, ("n0", "n1", "n2", "n3", "n4"), strict=True):
        assert f"data {node.data!r}\n" in found[ident] + "\n"
        assert f"grad {node.grad!r}\n" in found[ident] + "\n"
        if node is not x and node is not w:
            assert node.op is not None
            assert f"{Path(__file__).name}:" in found[ident]
            assert " by (x * w + 0.7).tanh()" in found[ident] or "x * w" in found[ident]
    assert "x × w" in found["n2"]
    arrows = [ident for ident in found if "-" in ident]
    assert arrows == ["n4-0", "n3-0", "n2-0", "n2-1"]
    assert f"{w.data!r}" in found["n2-0"]
    assert f"{n.grad!r} × {w.data!r} = {n.grad * w.data!r} to the gradient of x" in found["n2-0"]


def test_the_whole_has_a_title_and_what_a_user_drew_keeps_its_own() -> None:
    picture = draw(product())
    assert titles(picture.pipe().decode())["graph0"] == "computation graph"
    picture.node("mine", id="own")
    assert titles(picture.pipe().decode())["own"] == "mine"


@pytest.mark.parametrize(("length", "shown"), [(10_000, 10_000), (10_001, 9_998)])
def test_a_label_is_whole_where_the_mouse_rests_up_to_10_000_letters(
    length: int, shown: int
) -> None:
    label = "x" * length
    title, *_ = draw(Value(1.0, label)).titles.values()
    assert title.splitlines()[1].count("x") == shown
    assert ("…" in title.splitlines()[1]) is (shown < length)


# --- a layout that takes too long ----------------------------------------------------------------
def test_the_error_of_a_late_layout_says_what_to_collapse_and_it_is_true(fake_dot: FakeDot) -> None:
    fake_dot("/bin/sleep 30")
    w, h = Value(0.5, "cell.unit.w"), Value(1.0)
    for _ in range(60):
        h = (w * h).tanh()
    with pytest.raises(LayoutError) as caught:
        to_svg(h, timeout=0.05)
    said = str(caught.value)
    assert "more than 0.05 s" in said
    assert "of 122 values" in said
    for level in (1, 2):
        left = sum(
            "->" not in row and "[label=" in row
            for row in draw(h, collapse=level, legend=False).body
        )
        assert f"collapse={level} leaves {left} boxes" in said
    assert "depth=" in said
    assert "only=" in said
    assert "to_dot(value)" in said
    with pytest.raises(LayoutError, match="collapse=1 leaves"):
        draw(h).copy().laid_out(timeout=0.05)


@pytest.mark.parametrize("timeout", ["3", [1], float("nan")])
def test_a_bad_time_limit_is_an_error_that_says_what_is_taken(timeout: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="timeout"):
        to_svg(product(), timeout=timeout)


def test_what_is_not_a_format_is_blamed_on_the_format() -> None:
    with pytest.raises((LayoutError, ValueError)) as caught:
        draw(product()).pipe("nonsense")
    assert "nonsense" in str(caught.value)
    assert "dot program that works" not in str(caught.value)


def test_a_format_with_a_slip_of_the_pen_is_answered_by_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"^unknown format 'jpgg', did you mean 'jpg'\?$"):
        draw(product()).laid_out("jpgg")
