"""The README is true: its code runs and prints what it says."""

import doctest
import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def test_the_tour_prints_what_it_says() -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    session = "".join(blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(session, {}, "README", "README.md", 0)
    assert len(test.examples) > 20
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
