"""The prompt of the terminal debugger: its list of commands, and how lines are read and written."""

import cmd
import inspect
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from itertools import count
from math import inf
from types import FrameType
from typing import Any, TextIO

from engine.choices import similar
from engine.core.value import Value
from engine.drawing import LayoutError
from engine.source.lost import outside_library
from engine.stepping.breakpoints import Breakpoints, NodeNames, Stop
from engine.stepping.condition import FIELDS, FUNCTIONS
from engine.stepping.run import Run
from engine.stepping.views import ALARM, FAINT, Piece, Views, fitted
from engine.wording.names import counted
from engine.wording.terminal import Mistake, hint, in_colour, painted, printable

# What `help` lists. What stands before a parenthesis is the short form: n is next.
_USES = {
    "walking": "n(ext) [count]; b(ack) [count | where]; u(ntil) <where>; c(ontinue); rc(ontinue); "
    "goto <edge>; restart",
    "stopping": "break [where]; tb(reak) <where>; cl(ear) [number]; watch [node]; unwatch [node]",
    "looking": "w(here); l(ist) [count]; p [expression]; contributions <node>; g(raph) [file.svg]; "
    "source; diagnose; html <file.html>",
    "leaving": "q(uit); h(elp) [command]",
}
USAGE = {
    group: {re.sub("[()]", "", use.split()[0]): use for use in uses.split("; ")}
    for group, uses in _USES.items()
}
COMMANDS = {name: use for uses in USAGE.values() for name, use in uses.items()}
SHORT = {use.partition("(")[0]: name for name, use in COMMANDS.items() if "(" in use}
SHORT |= {"s": "next", "print": "p", "exit": "quit", "EOF": "quit"}
WHERE = """\
<where> is the number of an edge (7), a node (w), an operation (tanh), a layer
or neuron (L0.N3), a line (run.py:4), or a condition, such as contribution > 1,
abs(after) > 10 or parent is w."""


class Prompt(cmd.Cmd):
    """Reads commands and writes answers. The commands themselves are methods of `Debugger`."""

    def __init__(
        self,
        run: Run,
        stdin: TextIO | None,
        stdout: TextIO | None,
        names: Mapping[str, Value],
        model: Any = None,
    ) -> None:
        super().__init__(stdin=stdin, stdout=stdout)
        self.use_rawinput: bool = self.stdin is sys.stdin
        self.live: bool = self.use_rawinput and self.stdin.isatty()
        self.run: Run = run
        self.names: NodeNames = NodeNames(run, names)
        self.model: Any = model
        self.asked: FrameType = outside_library(sys._getframe())
        self.breakpoints: Breakpoints = Breakpoints(run, self.names)
        self.views: Views = Views(run, self.names)
        self.colour: bool = in_colour(None if self.stdout is sys.stdout else False)
        self.numbers: count[int] = count(1)
        self.stops: dict[str, Stop] = {}  # what `break` has set, by number
        self.watched: dict[Value, str] = {}  # what `watch` has set, with their names

    # --- the conversation ------------------------------------------------------------------------
    def interact(self) -> None:
        """Read and carry out commands until `quit`."""
        intro = f"{counted(len(self.run), 'edge')} below {self.views.made(self.run.root)}"
        self.note(f"{intro}; help lists the commands" if self.live else intro)
        while True:
            try:
                self.cmdloop()
            except KeyboardInterrupt:
                if not self.live:
                    raise
                self.note("\n(q leaves, help lists the commands)", FAINT)
            else:
                return

    def say(self, line: Iterable[Piece]) -> None:
        """Write a line, cut to the width of a terminal."""
        wide = shutil.get_terminal_size().columns if self.stdout.isatty() else inf
        self.write(fitted(line, wide, self.colour))

    def write(self, line: str) -> None:
        """Write a line in characters that the terminal has."""
        self.stdout.write(printable(line, self.stdout) + "\n")

    def note(self, text: str, style: str = "") -> None:
        """Write one text as a line."""
        self.say([Piece(text, style)])

    def tell(self, lines: Iterable[Iterable[Piece]]) -> None:
        """Write several lines."""
        for line in lines:
            self.say(line)

    def preloop(self) -> None:
        """Say in the prompt how far the run is."""
        self.prompt: str = f"(grad {self.run.position}/{len(self.run)}) " if self.live else ""

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        """The command and its argument. `w.grad` is one word and not the command `w`."""
        line = line.strip()
        if line.startswith("?"):
            line = f"help {line[1:]}"
        name, _, argument = line.partition(" ")
        return SHORT.get(name, name) or None, argument.strip(), line

    def onecmd(self, line: str) -> bool:
        """Carry out one line. An error is written as a message, and the conversation goes on."""
        if line == "EOF" and self.live:
            self.write("")
        name, argument, _ = self.parseline(line)
        done = False
        try:
            if argument and name in COMMANDS.keys() - {"quit"} and " " not in COMMANDS[name]:
                raise Mistake(f"{name} takes nothing, got {argument!r:.60}")
            done = bool(super().onecmd(line))
        except (ValueError, IndexError, TypeError, OSError, LayoutError) as error:
            self.write(painted(f"*** {error}", ALARM * self.colour))  # whole, however wide
        except KeyboardInterrupt:
            if not self.live:
                raise
            self.note(f"\n*** interrupted after edge {self.run.position}", ALARM)
        self.preloop()
        self.stdout.flush()
        return done

    def emptyline(self) -> bool:
        """An empty line on a terminal repeats the last command, as in pdb."""
        return bool(self.live and self.lastcmd and self.onecmd(self.lastcmd))

    # --- what is no command of a run -------------------------------------------------------------
    def do_help(self, argument: str) -> None:
        """All commands, or what one of them does."""
        command = SHORT.get(argument, argument)
        if argument and command not in COMMANDS:
            raise Mistake(f"there is no command {argument!r:.60}{hint(command, COMMANDS)}")
        if argument:
            self.note(COMMANDS[command], "1")
            self.tell([Piece(line)] for line in self._about(command))
        else:
            for group, uses in USAGE.items():
                self.note(group, "1")
                for name, use in uses.items():
                    self.say([Piece(f"  {use:<24}"), Piece(self._about(name)[0], FAINT)])
        if not argument or "where" in COMMANDS[command].partition(" ")[2]:
            self.tell([Piece(line)] for line in WHERE.split("\n"))

    def default(self, line: str) -> None:
        """A line that is no command is shown as a node or an expression, if it is one."""
        if line.startswith("#"):
            return
        name = line.split()[0]
        try:
            super().onecmd(f"p {line}")
        except Mistake as mistake:
            known = name in {*self.names.nodes, *FIELDS, *FUNCTIONS}
            alone = name == line or "invalid syntax" in str(mistake)
            if known or not (alone and name.isidentifier()):
                raise  # an expression, and not a command with its argument
            near = similar(name, [*COMMANDS, *self.names.nodes, *FIELDS])
            remedy = f"did you mean {' or '.join(near)}?" if near else "help lists the commands"
            raise Mistake(f"there is no command or node {name!r}; {remedy}") from None

    def do_quit(self, argument: str) -> bool:
        """Leave, as Ctrl-D does; a script then goes on.

        In a script backward() has then done what it does without a debugger.
        """
        return True

    def count(self, argument: str) -> int:
        """The argument of a command as a number of edges; 1 where there is none."""
        if argument and not (argument.isdigit() and int(argument)):
            raise Mistake(f"this takes a number of edges from 1 on, got {argument!r:.60}")
        return int(argument or 1)

    # --- completion ------------------------------------------------------------------------------
    def completenames(self, text: str, *ignored: Any) -> list[str]:
        """The commands that begin with a text."""
        return [f"{name} " for name in COMMANDS if name.startswith(text)]

    def completedefault(self, text: str, *ignored: Any) -> list[str]:
        """The nodes, fields and operations that begin with a text."""
        known = [*self.names.nodes, *FIELDS, *self.breakpoints.groups["operation"]]
        return sorted({name for name in known if name.startswith(text)})

    def _about(self, command: str) -> list[str]:
        return inspect.cleandoc(getattr(self, f"do_{command}").__doc__ or "").split("\n")
