"""The magics `%backprop` and `%diagnose` of IPython and notebooks, which `%load_ext engine` adds.

IPython is not imported here: it passes its shell to the functions that it calls.
"""

import sys
from functools import partial, update_wrapper
from html import escape
from typing import Any

from engine.core.value import Value
from engine.explain.diagnose import diagnose as of_loss
from engine.explain.report import Report
from engine.interactive import install
from engine.stepping.run import Run


def load_ipython_extension(shell: Any) -> None:
    """Add the magics; IPython calls this for `%load_ext engine`."""
    install(shell)
    for magic in MAGICS:
        bound = update_wrapper(partial(magic, shell), magic)
        shell.register_magic_function(bound, "line", magic.__name__)


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics; IPython calls this for `%unload_ext engine`."""
    for magic in MAGICS:
        shell.magics_manager.magics["line"].pop(magic.__name__, None)


def backprop(shell: Any, line: str) -> "Player | None":
    """`%backprop loss` does `loss.backward()` and plays it.

    In a notebook it shows the page that plays the pass. In a terminal it opens the debugger; when
    you leave that, the rest of the pass is done. `loss` is any expression that gives a Value, or a
    run from `loss.trace_backward()`.
    """
    if not line.strip():
        raise TypeError("%backprop needs a Value to go back from, e.g. %backprop loss")
    target = shell.ev(line)
    if not isinstance(target, Value | Run):
        got = f"%backprop needs a Value or a run, got {type(target).__name__}"
        raise TypeError(f"{got}; e.g. %backprop loss")
    run = target.trace_backward() if isinstance(target, Value) else target
    try:
        if getattr(shell, "kernel", None) is not None:  # a notebook, which has no terminal
            return Player(run)
        run.debug()
        return None
    finally:
        run.goto(-1)


def diagnose(shell: Any, line: str) -> Report:
    """`%diagnose` tells why the last training with `nn.fit` did not learn, even if it failed.

    `%diagnose history`, `%diagnose loss, model` and `%diagnose model, xs, ys` are as `nn.diagnose`
    has them; see there.
    """
    given = shell.ev(f"[{line}]")
    nn: Any = sys.modules.get("nn")  # who has a training has imported it
    if nn is None and not given:
        raise TypeError("%diagnose needs a loss, e.g. %diagnose loss, or a training by nn.fit")
    return (nn.diagnose if nn else of_loss)(*given)


MAGICS = backprop, diagnose


class Player:
    """The page of a run, which a notebook shows in a frame of its own."""

    def __init__(self, run: Run) -> None:
        self.run: Run = run
        self.html: str = run.to_html()

    def _repr_html_(self) -> str:
        # in a sandbox, so that nothing in a label can reach the notebook
        return (
            '<iframe sandbox="allow-scripts" title="backpropagation, step by step"'
            ' style="width: 100%; height: 40rem; border: 0"'
            f' srcdoc="{escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"{self.run!r}; here is no HTML: write the page with run.to_html(path)"
