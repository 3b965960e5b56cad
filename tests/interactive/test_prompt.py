"""Python's own prompt shows errors in the lines of the user's code; a script shows them all."""

import subprocess
import sys

from tests.project.sources import ROOT

CODE = """\
from engine import Value, log
from nn import MLP
def f(x):
    return log(x)

f(Value(0.0))
MLP(2, [3, 1], activation="rellu")
print("here")
"""


def run(*options: str) -> tuple[str, str]:
    ran = subprocess.run(
        [sys.executable, *options], input=CODE, cwd=ROOT, capture_output=True, text=True
    )
    return ran.stdout, ran.stderr


def test_the_prompt_shows_the_lines_of_the_user() -> None:
    out, err = run("-i", "-q")
    assert "here" in out
    assert "log(0.0) is -inf at <stdin>:2" in err
    assert "did you mean 'relu'?" in err
    assert err.count("Traceback") == 2
    assert 'File "<stdin>"' in err
    assert "/engine/" not in err
    assert "/nn/" not in err


def test_a_script_shows_all_lines() -> None:
    _, err = run("-")
    assert "/engine/" in err


def test_python_suggests_public_names() -> None:
    code = "import engine\nengine.drawin\n"
    ran = subprocess.run(
        [sys.executable, "-i", "-q"], input=code, cwd=ROOT, capture_output=True, text=True
    )
    assert "has no attribute 'drawin'. Did you mean: 'drawing'?" in ran.stderr
