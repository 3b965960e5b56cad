"""The README and the pages of the documentation are true: what they show is pasted, and prints
what they say.

A page is read from top to bottom, in a folder of its own. A block of Python is pasted into a
prompt, line by line, and what stands after `# >` is what was printed. One that begins with the name
of a file is that file. The lines of a block of `sh` are commands.
"""

import code
import contextlib
import dis
import doctest
import io
import math
import os
import pdb
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SITE = ROOT / "demos" / "docs"
PAGES = [ROOT / "README.md", ROOT / "engine/native/README.md", *sorted(SITE.rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
FILE = re.compile(r"# (\w+\.(?:py|csv))\n")
PRINTED = "# >"
# What is not in the extra `all`, and where it is.
NEEDS = {"pytorch": ("torch", "pip install gradwalk[interop]")}
COMMAND = re.compile(r"^\| .* \| `(python .*)` \|$", re.M)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The languages and the contents of a page's blocks, in their order."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


class Prompt(code.InteractiveConsole):
    """Python's prompt, as it takes lines that are pasted. Of an error it tells the last line."""

    def showtraceback(self) -> None:
        kind, error, _ = sys.exc_info()
        self.write("".join(traceback.format_exception_only(kind, error)))

    def showsyntaxerror(self, filename: str | None = None, **how: Any) -> None:
        raise AssertionError("this cannot be pasted") from sys.exc_info()[1]

    def write(self, data: str) -> None:
        sys.stdout.write(data)


def show(value: object) -> None:
    """As `sys.displayhook`, which would leave the value behind as `_`."""
    if value is not None:
        sys.stdout.write(f"{value!r}\n")


def paste(prompt: Prompt, block: str) -> Iterator[tuple[str, str, str]]:
    """Paste a block. Gives what printed something or should have, what it should have, and did."""
    typed, wanted, said = "", "", io.StringIO()
    for line in [*block.splitlines(), ""]:
        if line.startswith(PRINTED):
            wanted += line[len(PRINTED) + 1 :] + "\n"
            continue
        if wanted or (said.getvalue() and not prompt.buffer):
            yield typed, wanted, said.getvalue()
            typed, wanted, said = "", "", io.StringIO()
        typed += line + "\n"
        with contextlib.redirect_stdout(said):
            prompt.push(line)
    if wanted or said.getvalue():
        yield typed, wanted, said.getvalue()
    assert not prompt.buffer, f"a blank line should end {typed}"


def shell(block: str) -> Iterator[tuple[str, str, str]]:
    """Run each line of a block. Gives the line, what it should print, and what it does."""
    lines = block.splitlines()
    starts = [i for i, line in enumerate(lines) if not line.startswith(PRINTED)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        wanted = "".join(line[len(PRINTED) + 1 :] + "\n" for line in lines[start + 1 : end])
        yield lines[start], wanted, run(lines[start])


def run(command: str) -> str:
    """What a command prints that begins with `python`, here."""
    ran = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_prints_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.stem in NEEDS:
        pytest.importorskip(NEEDS[page.stem][0], reason=NEEDS[page.stem][1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "displayhook", show)
    same = doctest.OutputChecker().check_output
    prompt = Prompt({"__name__": "__main__"})
    for language, block in blocks(page):
        if named := FILE.match(block):
            head = "" if named[1].endswith(".py") else named[0]
            Path(named[1]).write_text(block.removeprefix(head), encoding="utf-8")
            continue
        exchanges: Iterator[tuple[str, str, str]] = iter(())
        if language == "python":
            exchanges = paste(prompt, block)
        elif language == "sh" and page.name != "README.md":
            exchanges = shell(block)
        else:
            assert language in {"sh", "pdb", "json", "text", "toml"}, f"nobody runs {language}"
        for typed, wanted, said in exchanges:
            assert same(wanted, said, doctest.ELLIPSIS), f"{typed}\nshould print\n{wanted}\n{said}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_name_on_a_page_is_no_command_of_pdb(page: Path) -> None:
    """Whoever stops there and types it wants to see it."""
    commands = {name.removeprefix("do_") for name in dir(pdb.Pdb) if name.startswith("do_")}
    given = {
        line.argval
        for language, block in blocks(page)
        if language == "python"
        for line in dis.get_instructions(compile(block, page.name, "exec"))
        if line.opname == "STORE_NAME"
    }
    assert given & commands <= {"where"}  # a function of the engine


def test_the_readme_holds_two_commands_of_one_line_each() -> None:
    install, test = [block for language, block in blocks(ROOT / "README.md") if language == "sh"]
    for command in (install, test):
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv && . .venv/bin/activate && pip install")
    assert "python -m demos" in install
    assert "python -m pytest" in test


# What is printed by each command of the README's table: the proof of the row.
PROOFS = {
    "demos.step_by_step": r"One of them taken back \(square gave it\): w\.grad = -1\.692",
    "engine.stepping": r"85 edges below ",
    "--svg": r"written: y\.svg",
    "--why": r"a dead ReLU",
    "demos.nan_hunt": r"log\(p\[1\]\) is -inf, the first(.|\n)*made at(.|\n)*try: log_softmax",
    "doctor": r"tried: (.|\n)*do: (.|\n)*mended as it says: 100",
    "moons": r"moons-learning\.html",
    "x=40": r"7\.2194\d*e-35",
    "gpt": r"training \(native\): 1 epoch in [\d.]+ s\n.* project \(24 x 24\), up (.|\n)*invented",
    "distributed": r"the same to the bit",
}
COMMANDS = COMMAND.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_table_has_ten_rows() -> None:
    assert len(COMMANDS) == len(PROOFS) == 10


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_what_its_row_says(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("sklearn", "matplotlib", "llvmlite", "distributed"):
        pytest.importorskip(library, reason="pip install gradwalk[all]")
    monkeypatch.chdir(tmp_path)
    (proof,) = [PROOFS[mark] for mark in PROOFS if mark in command][:1]
    assert re.search(proof, run(command))
    if "--svg" in command:
        (picture,) = tmp_path.glob("*.svg")
        assert "grad 5.437" in picture.read_text(encoding="utf-8")


def test_others_lose_the_tail_and_give_a_nan_for_a_branch_that_is_not_taken() -> None:
    """What the pages say of PyTorch and JAX."""
    torch = pytest.importorskip("torch", reason="pip install gradwalk[compare]")
    jax = pytest.importorskip("jax", reason="pip install gradwalk[compare]")

    def slope(function: Any, x: float) -> float:
        leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        function(leaf).backward()
        return float(leaf.grad)

    assert slope(torch.tanh, 40.0) == float(jax.grad(jax.numpy.tanh)(40.0)) == 0.0
    assert math.isnan(slope(lambda x: torch.where(x > 0, torch.sqrt(x), 0.0 * x), 0.0))
    numpy = jax.numpy
    assert math.isnan(float(jax.grad(lambda x: numpy.where(x > 0, numpy.sqrt(x), 0.0))(0.0)))
