"""What stepping says: `python -m tests.stepping.album` writes tests/data/steps.txt.

Each page is a graph and a way to look at its run. Read the pages that change.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from engine.core.modes import numeric_mode
from engine.drawing import draw
from engine.stepping import Run, backward_steps, forward_steps
from engine.stepping.breakpoints import NodeNames
from engine.stepping.player.run_page import record
from engine.stepping.variables import SHOWN, children, text
from engine.stepping.views import Views, fitted
from engine.wording.names import Names
from tests.drawing.album import NETWORKS
from tests.stepping.debugged import talk

FILE = Path(__file__).parents[1] / "data" / "steps.txt"
SMALL = "neuron", "dead", "branch", "ladder of 7", "odd", "leaf"
EVERY = (*SMALL, "scores", "network", "chain of 25", "samples", "by hand", "wild 18")
# Each is answered at the prompt, one after another.
ASKED = """\
where|graph|source|list|n 2|where|list 3|source|graph|p node|p parent|p local|p contribution|p after
p before|p position|p total|p node.data|p parent.grad + 1|p sum|p nobody|contributions parent
contributions node|break 3|break mul|tbreak 5|break|break album.py|watch x|watch
watch nobody|c|c|c|contributions x|b|rc|clear 2|clear 9|clear|unwatch nobody|unwatch|until add|u ×
until contribution > 0.5|b 3|back parent is x|goto 4|goto -2
goto 99|goto here|s 2|n 0|n -1|n many|restart|c|n|where|list|list 0|graph 2|p loss.grad|p x|help
help break|help where|help nothing|nonsense|restart|b|rc"""


def _run(name: str) -> Run:
    value = NETWORKS[name]()
    (*_, root) = value if isinstance(value, tuple) else (value,)
    with numeric_mode("ieee"):
        return Run(root)


def _dialogue(name: str) -> Iterator[str]:
    """What the debugger answers to each command."""
    yield from talk(_run(name), *re.split(r"[|\n]", ASKED))


def _columns(name: str) -> Iterator[str]:
    """The lines of a terminal of 56 columns, in colours."""
    run = _run(name)
    views = Views(run, NodeNames(run))
    for step in [*run][:: max(len(run) // 4, 1)]:
        run.goto(step.position)
        lines = [views.step(step, "-> "), *views.way(step), *views.around(step.position, 5)]
        lines += [views.node(step.parent), *views.contributions(step.parent, step.position)]
        yield from (fitted(line, 56, True) for line in lines)
        yield from views.tree(step, True)


def _steps(name: str) -> Iterator[str]:
    run = _run(name)
    with numeric_mode("ieee"):
        for forward in forward_steps(run.root):
            yield str(forward)
        for step in backward_steps(run.root, 0.5):
            yield f"{step}  {step.source()}"
    yield repr(run)


def _source(name: str) -> Iterator[str]:
    run = _run(name)
    run.hooked.clear()
    yield from run.to_source().splitlines()


def _pane(name: str) -> Iterator[str]:
    """The variables pane of a debugger, opened three levels deep."""
    run = _run(name)
    run.goto(min(3, len(run)))

    def opened(thing: Any, level: int) -> Iterator[str]:
        for key, child, path in children(thing):
            said = text(child) if isinstance(child, SHOWN) else repr(child)
            yield f"{'  ' * level}{key}: {said}  {path}"
            if level < 2 and isinstance(child, SHOWN):
                yield from opened(child, level + 1)

    yield from opened(run, 0)


def _player(name: str) -> Iterator[str]:
    """What the page that plays a run is given."""
    run = _run(name)
    found = record(run, draw(run.root, limit=999).ids, 2, Names(run.nodes[::-1]))
    for key, column in found.items():
        yield f"{key}: {column}"


WAYS: dict[str, Callable[[str], Iterator[str]]] = {
    "at the prompt": _dialogue,
    "in colours": _columns,
    "step by step": _steps,
    "as Python": _source,
    "in a pane": _pane,
    "in a player": _player,
}
PAGES: dict[str, Callable[[], Iterator[str]]] = {
    f"{name}, {way}": partial(page, name)
    for way, page in WAYS.items()
    for name in (EVERY if way in ("at the prompt", "step by step") else SMALL)
}


def page(name: str) -> list[str]:
    """The lines of a page, with no more digits than all machines have in common."""
    said = "\n".join(PAGES[name]()).replace("\x1b", "^")
    said = re.sub(r"(?:[\w./-]*/)?(\w+\.py)(?::\d+)?", r"\1", said)  # of any checkout,
    said = re.sub(r"\bline: \d+", "line: …", said)  # and as its files grow
    said = re.sub(r" at 0x\w+", "", said)
    return re.sub(r"\d+\.\d{6,}", lambda found: f"{float(found[0]):.6g}", said).splitlines()


def main() -> None:
    """Write the file anew."""
    pages = [f"== {name}\n" + "".join(f"{line}\n" for line in page(name)) for name in PAGES]
    FILE.write_text("".join(pages), encoding="utf-8")


if __name__ == "__main__":
    main()
