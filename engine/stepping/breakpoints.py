"""Where a run can be stopped.

That is at a node, an operation, a layer, a line of source or an edge, or where a condition holds.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from engine.core.origins import place_of
from engine.core.value import Value, is_constant
from engine.drawing.view import view
from engine.stepping.condition import FIELDS, FUNCTIONS, Read, read
from engine.stepping.run import Run
from engine.stepping.steps import Step
from engine.wording.addresses import modules
from engine.wording.names import Names, identifiers
from engine.wording.terminal import Mistake, hint

_WORD = re.compile(r"[^\W\d][\w.]*")


class Stop(NamedTuple):
    """Where to stop: in words, as a test of the step that was just taken, and whether only once."""

    text: str
    holds: Callable[[Step], object]
    once: bool = False


class NodeNames(Names):
    """The nodes of a run by name: by what they are called, and by their names in `run.to_source()`.

    Attributes:
        nodes: the node that each name stands for.
        plain: the name of each node in `run.to_source()`.

    Arguments:
        extra: more names for nodes, such as the variables of a script.

    >>> x, w = Value(2.0, "x"), Value(3.0, "L0.N0.w0")
    >>> [*NodeNames((x * w).exp().trace_backward()).nodes]
    ['L0.N0.w0', 'x', '(x * w)', '(x * w).exp()', 'L0_N0_w0', 'mul_1', 'exp_1']
    """

    def __init__(self, run: Run, extra: Mapping[str, Value] | None = None) -> None:
        inner = [node for node in reversed(run.nodes) if node is run.root or not is_constant(node)]
        super().__init__(inner)
        self.nodes: dict[str, Value] = {self.of(node): node for node in inner}
        self.plain: dict[Value, str] = identifiers(inner)
        for node, plain in self.plain.items():
            self.nodes.setdefault(plain, node)
        for alias, node in (extra or {}).items():
            if node in self.plain:
                self.nodes.setdefault(alias, node)

    def find(self, text: str) -> Value:
        """The node of that name.

        Raises Mistake if there is none; the message has the names that are most like it.

        >>> NodeNames((Value(2.0, "rate") * 3).trace_backward()).find("rat")
        Traceback (most recent call last):
        engine.wording.terminal.Mistake: no node is called 'rat'; did you mean rate?
        """
        text = text.strip().removesuffix(".grad")
        if text in FIELDS and text not in self.nodes:
            raise Mistake(f"{text} is another node at each step; give the name of one")
        node = self.nodes.get(text.strip("'\""))
        if node is None:
            raise Mistake(f"no node is called {text!r:.60}{hint(text, self.nodes)}")
        return node


class Breakpoints:
    """Reads what a user typed as a place to stop a run at, or as an expression over its steps.

    >>> run = (Value(2.0, "x") * Value(3.0, "L0.N0.w0")).exp().trace_backward()
    >>> points = Breakpoints(run, NodeNames(run))
    >>> points.stop("L0.N0").text, points.stop("exp").text, points.stop("after > 9").text
    ('layer L0.N0', 'operation exp', 'after > 9')
    """

    def __init__(self, run: Run, names: NodeNames) -> None:
        self.run: Run = run
        self.names: NodeNames = names

    def stop(self, text: str) -> Stop:
        """What a text names, as a place to stop.

        It is the first of these that fits: a node, an operation, the number of an edge, a line such
        as run.py:4, a layer. Any other text is read as a condition.
        """
        text = text.strip()
        if text in self.names.nodes:
            node = self.names.nodes[text]
            return Stop(f"node {text}", lambda step: step.node is node or step.parent is node)
        if re.fullmatch(r"\d+", text):
            number = int(text)
            if not 1 <= number <= len(self.run):
                raise Mistake(f"there are edges from 1 to {len(self.run)}, and no {number}")
            return Stop(f"edge {number}", lambda step: step.index == number - 1)
        kind = next((kind for kind, groups in self.groups.items() if text in groups), "")
        if kind:
            inside = self.groups[kind][text]
            return Stop(f"{kind} {text}", lambda step: step.node in inside)
        if re.search(r":\d+$", text):
            raise Mistake(f"nothing was made in {text}{hint(text, self.groups['line'])}")
        if _WORD.fullmatch(text) and text not in FIELDS:
            known = [*self.names.nodes, *self.groups["operation"], *self.groups["layer"]]
            raise Mistake(f"no node, operation or layer is called {text!r:.60}{hint(text, known)}")
        found = self.read(text)
        if found.kind != "number":
            raise Mistake(f"{text} is a {found.kind} and no condition, such as parent is {text}")
        return Stop(text, found.at)

    def read(self, text: str) -> Read:
        """An expression over a step and the nodes of the run; see `condition.py`."""
        names = self.names.nodes
        known = [*FIELDS, *FUNCTIONS, *names]
        # what a # begins is a comment to Python, and so such names are read as texts
        marked = sorted((name for name in names if "#" in name and name in text), key=len)[::-1]
        if marked:
            every = "|".join(map(re.escape, marked))
            text = re.sub(rf"(?<!['\"])({every})", lambda found: repr(found[0]), text)
        return read(text, names.get, lambda name: hint(name, known))

    # --- what else has a name --------------------------------------------------------------------
    @cached_property
    def groups(self) -> dict[str, dict[str, set[Value]]]:
        """The nodes of each operation, line, layer and neuron, by kind and name."""
        found: dict[str, dict[str, set[Value]]] = {"operation": {}, "line": {}, "layer": {}}
        paths = modules(view(self.run.root).nodes)
        for node in self.run.nodes:
            op: Any = node.op
            if node.parents:
                names = {"operation": (op.symbol, op.name), "line": (str(place_of(node)),)}
                for kind, some in {**names, "layer": paths.get(node, ())}.items():
                    for name in some:
                        found[kind].setdefault(name, set()).add(node)
        return found
