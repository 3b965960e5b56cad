"""The README, and the page on the compiler, are true: their code runs and prints what they say."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": 20, "engine/native/README.md": 10}  # and how many examples there are at least


def blocks(language: str, page: str = "README.md") -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_the_sessions_print_what_they_say(page: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    session = "".join(blocks("pycon", page))
    test = doctest.DocTestParser().get_doctest(session, {}, page, page, 0)
    assert len(test.examples) > PAGES[page]
    report: list[str] = []
    assert runner.run(test, out=report.append).failed == 0, "".join(report)


@pytest.mark.parametrize("code", blocks("python"))
def test_its_programs_run(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {})


def test_it_holds_two_commands_of_one_line_each() -> None:
    run, test = blocks("sh")
    for command in (run, test):
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert "-m demos" in run
    assert "-m pytest" in test
