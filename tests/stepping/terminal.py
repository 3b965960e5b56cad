"""A real pseudo-terminal with a program in it, to type into and to read from."""

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x01\x02\a]")
PATIENCE = 60.0  # seconds; only a program that hangs takes them


class Terminal:
    """A program that runs in a terminal of its own."""

    def __init__(self, *command: str, cwd: Path, columns: int = 100, **env: str) -> None:
        pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
        import fcntl
        import struct
        import termios

        self.fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
        kept |= {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "TERM": "xterm", "INPUTRC": os.devnull}
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env=kept | env,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            preexec_fn=lambda: _own_terminal(termios.TIOCSCTTY),
        )
        os.close(inner)
        self.raw = ""

    def read(self, until: str) -> str:
        """What is written until a text comes, without colours; colours and all is in `raw`."""
        end, got = time.monotonic() + PATIENCE, b""
        while until not in (shown := _CODES.sub("", got.decode(errors="replace"))):
            if not select.select([self.fd], [], [], max(0.0, end - time.monotonic()))[0]:
                pytest.fail(f"no {until!r} in {shown!r}")
            try:
                more = os.read(self.fd, 65536)
            except OSError:  # Linux says so that nobody is at the other end
                more = b""
            if not more:
                pytest.fail(f"it ended without {until!r}: {shown!r}")
            got += more
        self.raw = got.decode(errors="replace")
        return shown.replace("\r\n", "\n").replace("\r", "")

    def type(self, keys: str) -> None:
        """Press keys; Enter is a newline."""
        os.write(self.fd, keys.encode())

    def ask(self, command: str, prompt: str = "(grad ") -> str:
        """Type a line, and read what is answered up to the next prompt."""
        self.type(command + "\n")
        return self.read(prompt)

    def end(self) -> tuple[str, int]:
        """What it writes until it ends, and its exit code."""
        got = b""
        while True:
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                more = b""
            if not more:
                break
            got += more
        code = self.process.wait(PATIENCE)
        return _CODES.sub("", got.decode(errors="replace")).replace("\r", ""), code

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


def _own_terminal(request: int) -> None:
    """Make the terminal the one of this process, so that Ctrl-C gets to it."""
    import fcntl

    os.setsid()
    fcntl.ioctl(0, request, 0)
