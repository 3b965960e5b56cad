"""The Pythons of this machine, and what a program in another one needs to find."""

import os
import shutil
import subprocess
import sys
import tomllib
from functools import lru_cache
from pathlib import Path

import graphviz
import pytest

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


@lru_cache
def interpreter(version: str) -> str:
    """The path of that Python; the test is skipped where there is none."""
    if version == THIS:
        return sys.executable
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    candidates = [shutil.which(f"python{version}"), *_pyenv(version)]
    for path in filter(None, candidates):
        ran = subprocess.run([path, "-c", asked], capture_output=True, text=True, check=False)
        if ran.stdout.strip() == version:
            return path
    pytest.skip(f"no Python {version}: put python{version} on PATH, or pyenv install {version}")


def _pyenv(version: str) -> list[str]:
    """The Pythons of pyenv, which are on the path only when they are chosen."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return [str(path) for path in sorted(home.glob(f"versions/{version}.*/bin/python"))]


def environment(folder: Path) -> dict[str, str]:
    """Variables under which any Python finds the project, installed as the wheel installs it.

    Debuggers take for installed what lies in a folder called `site-packages`.
    """
    site = folder / "site-packages"
    site.mkdir()
    for package in (ROOT / "engine", ROOT / "nn", Path(graphviz.__file__).parent):  # pure Python
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, target in wheel["force-include"].items():
        (site / target).parent.mkdir(parents=True)
        shutil.copy(ROOT / source, site / target)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE"))}
    return kept | {"PYTHONPATH": str(site)}
