"""The documentation: `python -m demos docs` builds it into `out/docs`, without a network.

Its pages are the files beside this one. The tour is read out of the notebook, the reference out of
the packages' docstrings. `conf.py` is what Sphinx reads, `shown.py` what it is told to do beyond
its own, `figures.py` what is drawn beside a name.
"""

from pathlib import Path
from typing import TextIO

from sphinx.application import Sphinx

from demos._common import Stage

__all__ = ["build", "run"]

SOURCES = Path(__file__).parent


def build(folder: Path, status: TextIO | None = None) -> None:
    """Write the pages into a folder; anything that Sphinx warns of is an error."""
    app = Sphinx(
        SOURCES,
        SOURCES,
        folder,
        folder / ".doctrees",
        "html",
        status=status,
        warningiserror=True,
        exception_on_warning=False,
    )
    app.build()
    if app.statuscode:
        raise RuntimeError(f"the documentation has {app._warncount} warnings; they stand above")


def run(stage: Stage) -> None:
    """Build it, and say where it begins."""
    build(stage.out / "docs")
    print(f"open {stage.out / 'docs' / 'index.html'}")
