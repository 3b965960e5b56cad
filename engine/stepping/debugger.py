"""The terminal debugger: a prompt like that of pdb, on a backward pass.

It works on a terminal and in a pipe. In a pipe nothing is asked: each line is a command, and the
end of the input is `quit`.
"""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

from engine.core.origins import place_of, source_of
from engine.core.value import Value
from engine.explain.diagnose import examined
from engine.stepping.breakpoints import Stop
from engine.stepping.condition import FIELDS
from engine.stepping.prompt import WHERE, Prompt
from engine.stepping.run import Run
from engine.stepping.views import ALARM, FAINT, Piece, lit
from engine.wording.names import number
from engine.wording.terminal import Mistake, hint

__all__ = ["debug"]

NO_STEP = "no edge is taken yet, so there is no step to look at; try n"
EACH = 20  # steps that are shown one by one


def debug(
    run: Run,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
    names: Mapping[str, Value] | None = None,
    model: Any = None,
) -> None:
    """Walk through a run at a prompt, until `quit`. The run then stays where it is.

    Arguments:
        stdin, stdout: what commands are read from and answers written to; by default the terminal.
        names: more names for nodes, beside their labels and variables.
        model: that learns from this loss, for the command `diagnose`.

    >>> from io import StringIO
    >>> x = Value(3.0, "x")
    >>> run = (x * x).trace_backward()
    >>> debug(run, StringIO("n 2" + chr(10) + "p x.grad"))
    2 edges below x * x...
    1/2  x.grad 0 -> 3  (+= 1 × 3)  x * x...
    2/2  x.grad 3 -> 6  (+= 1 × 3)  x * x...
    the pass is over: gradients are as backward() leaves them
    x.grad = 6.0
    """
    if not isinstance(run, Run):
        got = f"debug takes a Run, got {type(run).__name__}"
        raise TypeError(f"{got}; loss.trace_backward() gives one")
    Debugger(run, stdin, stdout, names or {}, model).interact()


class Debugger(Prompt):
    """The commands, one method each; see `debug`."""

    # --- walking ---------------------------------------------------------------------------------
    def do_next(self, argument: str) -> None:
        """Take the next edge, or a number of them."""
        run, start, count = self.run, self.run.position, self.count(argument)
        if start == len(run):
            self.note("the pass is over; b goes back, q leaves")
            return
        end = min(start + count, len(run))
        for i in range(start, end):
            run.goto(i + 1)
            if i < start + EACH:
                self.say(self.views.step(run[i]))
        if end > start + EACH:
            self.note("…", FAINT)
            self._show()
        elif end == len(run):
            self._over()

    def do_back(self, argument: str) -> None:
        """Undo the last edge or several, or go back to <where>.

        `back contribution > 1` goes back until the edge taken last gave more than 1.
        """
        if argument and not argument.isdigit():
            self._go([self.breakpoints.stop(argument)], backwards=True)
        elif self.run.position == 0:
            self.note("at the beginning: there is nothing to undo")
        else:
            undone = self.run.current
            self.run.goto(max(self.run.position - self.count(argument), 0))
            if undone is not None and not argument:
                name, before = self.names.of(undone.parent), number(undone.before)
                self.note(f"{name}.grad is {before} again", FAINT)
            self._show()

    def do_until(self, argument: str) -> None:
        """Go on until the next edge there has been taken."""
        if not argument:
            raise Mistake(f"until what?\n{WHERE}")
        stop = self.breakpoints.stop(argument)
        if argument.isdigit() and int(argument) <= self.run.position:
            raise Mistake(f"edge {argument} is taken already; goto {argument} goes back to it")
        self._go([stop])

    def do_continue(self, argument: str) -> None:
        """Go on to the next break or watch, or else to the end."""
        self._go([*self.stops.values()], watching=True)

    def do_rcontinue(self, argument: str) -> None:
        """Go back to the last break or watch, or the beginning."""
        self._go([*self.stops.values()], watching=True, backwards=True)

    def do_goto(self, argument: str) -> None:
        """Go to the place after that edge; 0 is the beginning.

        Negative numbers count from the end: goto -1 is the end itself.
        """
        try:
            self.run.goto(int(argument))
        except ValueError:
            raise Mistake(f"goto takes the number of an edge, got {argument!r:.60}") from None
        self._show()

    def do_restart(self, argument: str) -> None:
        """Go back to the beginning; breaks and watches stay."""
        self.run.restart()
        self._show()

    def _go(self, stops: list[Stop], *, watching: bool = False, backwards: bool = False) -> None:
        """Walk until one of the stops holds for the edge that was taken last.

        Arguments:
            watching: a change in the gradient of a watched node is a stop as well.
        """
        run, way, end = self.run, -1 if backwards else 1, 0 if backwards else len(self.run)
        if run.position == end:
            self.note("at the beginning" if backwards else "the pass is over; b goes back")
            return
        reasons: list[str] = []
        while not reasons and run.position != end and (step := run.goto(run.position + way)):
            reasons = [stop.text for stop in stops if stop.holds(step)]
            if watching and step.parent in self.watched and step.after != step.before:
                reasons.append(f"watch {self.watched[step.parent]}")
        if reasons and watching:
            self.note(f"stopped at {', '.join(reasons)}", FAINT)
            for k in [k for k, stop in self.stops.items() if stop.once and stop.text in reasons]:
                del self.stops[k]
        elif not reasons and not watching:
            self.note(f"there is no more {stops[0].text}", FAINT)
        self._show()

    def _show(self) -> None:
        step = self.run.current
        if step is None:
            self.say([Piece("at the beginning: "), *self.views.node(self.run.root)])
            return
        self.say(self.views.step(step))
        if self.run.position == len(self.run):
            self._over()

    def _over(self) -> None:
        self.note("the pass is over: gradients are as backward() leaves them", FAINT)

    # --- stopping --------------------------------------------------------------------------------
    def do_break(self, argument: str, once: bool = False) -> None:
        """Have `continue` stop there; alone, list all breaks.

        At a node it stops when the node gets gradient, and when the node hands it on.
        At an operation, a layer or a line it stops when a node made there hands it on.
        """
        if argument:
            stop = self.breakpoints.stop(argument)
            self.stops[str(next(self.numbers))] = stop._replace(once=once)
        for k in [*self.stops][-1:] if argument else self.stops:
            self.note(f"break {k} at {self.stops[k].text}{', once' * self.stops[k].once}")
        if not argument:
            for name in self.watched.values():
                self.note(f"watch {name}")
            if not self.stops and not self.watched:
                self.note("no breaks")

    def do_tbreak(self, argument: str) -> None:
        """Have `continue` stop there, but only once."""
        if not argument:
            raise Mistake(f"tbreak where?\n{WHERE}")
        self.do_break(argument, once=True)

    def do_clear(self, argument: str) -> None:
        """Forget the break with that number, or all breaks."""
        if argument and argument not in self.stops:
            raise Mistake(f"there is no break {argument!r:.60}; `break` lists them")
        for k in [argument] if argument else [*self.stops]:
            self.note(f"break {k} at {self.stops.pop(k).text} is cleared")

    def do_watch(self, argument: str) -> None:
        """Have `continue` stop where a node's gradient changes.

        Alone, it shows all that is watched.
        """
        if argument:
            node = self.names.find(argument)
            self.watched[node] = self.names.of(node)
        for node in self.watched:
            self.say([Piece("watch "), *self.views.node(node)])
        if not self.watched:
            self.note("nothing is watched")

    def do_unwatch(self, argument: str) -> None:
        """Stop watching a node, or all nodes."""
        chosen = [self.names.find(argument)] if argument else [*self.watched]
        for node in chosen:
            if node not in self.watched:
                name = self.names.of(node)
                raise Mistake(f"{name} is not watched{hint(name, self.watched.values())}")
            self.note(f"{self.watched.pop(node)} is no longer watched")

    # --- looking ---------------------------------------------------------------------------------
    def do_where(self, argument: str) -> None:
        """The chain of nodes from the output to here.

        Beside each node stands the derivative of the node above by it. Where there
        are several ways, the chain follows the edge that gives most.
        """
        self.tell(self.views.way(self.run.current))

    def do_p(self, argument: str) -> None:
        """Show a node, w.grad, a field of the step or a formula.

        The fields are node, parent, upstream, local, contribution, before, after,
        position, edge (from 1 on, as shown) and index (from 0 on, as in Python);
        alone, p shows them all.
        """
        step: Any = self.run.current
        if argument in self.names.nodes and argument not in FIELDS:
            self.say(self.views.node(self.names.nodes[argument]))
        elif not argument and step is None:
            self.say(self.views.node(self.run.root))
        else:
            for expression in [argument] if argument else FIELDS:
                kind, at = self.breakpoints.read(expression)
                try:
                    value = at(step)
                except AttributeError:  # a field of None
                    raise Mistake(NO_STEP) from None
                if kind == "node":
                    self.say([Piece(f"{expression}: "), *self.views.node(value)])
                else:
                    style = ALARM if kind == "number" and not isfinite(value) else ""
                    self.say([Piece(f"{expression} = "), Piece(repr(value), style)])

    def do_contributions(self, argument: str) -> None:
        """The edges that add to the gradient of that node."""
        if not argument:
            raise Mistake("contributions to which node?")
        self.tell(self.views.contributions(self.names.find(argument), self.run.position))

    def do_list(self, argument: str) -> None:
        """The steps around here, eleven or that many."""
        self.tell(self.views.around(self.run.position, self.count(argument or "11")))

    def do_graph(self, argument: str) -> None:
        """The graph around here; in a file, all of it.

        In the file this edge is lit, and the two nodes that it joins.
        """
        if not argument:
            for line in self.views.tree(self.run.current, self.colour):
                self.write(line)
            return
        if not argument.endswith(".svg"):
            raise Mistake(f"graph writes SVG, so the file ends in .svg, got {argument!r:.60}")
        Path(argument).write_text(lit(self.run.root, self.run.current), encoding="utf-8")
        self.note(f"written: {argument}")

    def do_source(self, argument: str) -> None:
        """This step as Python, and your line that it came from."""
        step = self.run.current
        if step is None:
            raise Mistake(NO_STEP)
        self.note(step.source(self.names.of(step.parent)))
        if line := source_of(step.node):
            self.say([Piece(f"{place_of(step.node)}  ", FAINT), Piece(line)])

    def do_diagnose(self, argument: str) -> None:
        """Look for what keeps the network from learning.

        In a script the model is found among its variables, and the loop so far is
        looked at too. The run stays where it is.
        """
        at = self.run.position
        self.run.goto(-1)  # where gradients are what backward() leaves
        try:
            report = examined(self.run.root, self.model, self.asked)
        finally:
            self.run.goto(at)
        for line in str(report).splitlines():
            self.write(line)

    def do_html(self, argument: str) -> None:
        """Write this run as a page to play in a browser."""
        if not argument:
            raise Mistake("html takes the name of the file to write, such as html run.html")
        self.run.to_html(argument)
        self.note(f"written: {argument}")
