"""The console of the playground: runs what was typed, as Python's prompt does, and tells the page.

It knows nothing of browsers. All that it shows goes through one function, which the page gives.
"""

import ast
import base64
import doctest
import linecache
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import TextIOBase
from pathlib import Path
from typing import Any

from engine import Value
from engine.drawing import Picture

__all__ = ["Console"]

MOST = 50_000  # letters that one run may print: more would make the page slow
PAUSE = 0.05  # seconds between two messages to the page
Show = Callable[[str, str, str], object]  # what kind it is, its text, and the name of a file


class Console:
    r"""Runs programs, one after the other, with the same variables.

    Arguments:
        show: is told a kind, a text and a name. The kinds are `echo` (a line that is run), `out`
            and `err` (what it printed), `error` (what ended it), `svg` and `html` (what an object
            looks like), and `file` (a file that it wrote, with its name, in base64).
        folder: where files are looked for; it should be the current one.

    >>> said = []
    >>> console = Console(lambda *message: said.append(message), Path("nowhere"))
    >>> console.run("6 * 7")
    >>> said
    [('echo', '>>> 6 * 7\n', ''), ('out', '42\n', '')]
    """

    def __init__(self, show: Show, folder: Path) -> None:
        self.show, self.folder = show, folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.runs = 0
        self.printed = 0
        self.waiting: list[tuple[str, str]] = []
        self.last = 0.0
        self.files = dict(self._files())

    def run(self, text: str, echo: bool = False) -> None:
        """Run a program, or a session copied with its prompts, where errors do not end it.

        Arguments: `echo` shows all lines; else only those are shown that have a value to show.
        """
        parts, self.printed = _parts(text), 0
        with redirect_stdout(_Stream(self, "out")), redirect_stderr(_Stream(self, "err")):
            for part in parts:
                try:
                    self._run(part, echo or parts != [text])
                except KeyboardInterrupt:
                    self.say("error", "KeyboardInterrupt\n")
                    break
                except BaseException as error:  # noqa: BLE001 (exit() too)
                    self.say("error", _told(error))
        self._send()
        for path, state in self._files():
            if self.files.get(path) != state:
                self.files[path] = state
                content = base64.b64encode(path.read_bytes()).decode()
                self.show("file", content, str(path.relative_to(self.folder)))

    def _run(self, source: str, echo: bool) -> None:
        self.runs += 1
        file = f"<run {self.runs}>"
        lines = source.splitlines(keepends=True)
        linecache.cache[file] = len(source), None, lines, file  # for names and tracebacks
        for node in ast.parse(source, file).body:
            value = node.value if isinstance(node, ast.Expr) else None
            comment = isinstance(value, ast.Constant) and isinstance(value.value, str)
            if echo or (value and not comment):
                typed = "".join(lines[node.lineno - 1 : node.end_lineno]).rstrip()
                self.say("echo", ">>> " + typed.replace("\n", "\n... ") + "\n")
            if value is None:
                exec(compile(ast.Module([node], []), file, "exec"), self.names)
            elif echo or not comment:
                self._display(eval(compile(ast.Expression(value), file, "eval"), self.names))

    def _display(self, value: object) -> None:
        """Show a value: a picture or a table as such, all else as Python's prompt does."""
        if isinstance(value, Picture):
            self._send()
            self.show("svg", value.laid_out().decode(), "")
        elif hasattr(value, "_repr_html_") and not isinstance(value, type | Value):
            self._send()
            self.show("html", value._repr_html_(), "")
        elif value is not None:
            self.say("out", f"{value!r}\n")

    def say(self, kind: str, text: str) -> None:
        """Show a text, soon: what a loop prints goes to the page in few messages."""
        self.printed += len(text)
        if self.printed > MOST:
            before = self.printed - len(text)
            text = "... and more, which is not shown\n" if before <= MOST else ""
            kind = "error"
        if text and self.waiting and self.waiting[-1][0] == kind:
            text = self.waiting.pop()[1] + text
        if text:
            self.waiting.append((kind, text))
        if time.monotonic() - self.last > PAUSE:
            self._send()

    def _send(self) -> None:
        self.last = time.monotonic()
        while self.waiting:
            self.show(*self.waiting.pop(0), "")

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        """The files in the folder, each with what tells whether it was written again."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                state = path.stat()
                yield path, (state.st_mtime_ns, state.st_size)


class _Stream(TextIOBase):
    """Standard output or error."""

    def __init__(self, console: Console, kind: str) -> None:
        self.console, self.kind = console, kind

    def write(self, text: str) -> int:
        self.console.say(self.kind, text)
        return len(text)


def _parts(text: str) -> list[str]:
    """The steps of a session, without their prompts; a program is one step."""
    if text.lstrip().startswith(">>> "):
        with suppress(ValueError):  # not well-formed: to run it as it is says what is wrong
            return [step.source for step in doctest.DocTestParser().get_examples(text)]
    return [text]


def _told(error: BaseException) -> str:
    """An error as Python tells it, without the lines of libraries between the user's own."""
    told: traceback.TracebackException | None = traceback.TracebackException.from_exception(error)
    chain = told
    while chain:
        own = [frame for frame in chain.stack if frame.filename.startswith("<run ")]
        chain.stack = traceback.StackSummary.from_list(own)
        chain = chain.__cause__ or chain.__context__
    return "".join(told.format() if told else ())
