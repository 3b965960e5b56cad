"""A small client of pydevd's own protocol: what PyCharm says to its debugger, and hears from it."""

import socket
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import unquote

PATIENCE = 60.0  # seconds until an answer is said not to come
RUN, STEP_OVER, SUSPENDED, RESUME, VARIABLE, BREAK, EVALUATE, FRAME, CHANGE, VERSION = (
    "101", "108", "105", "106", "110", "111", "113", "114", "117", "501",
)  # fmt: skip


class Client:
    """A session with PyCharm's debugger, in the place of the IDE: the program calls us."""

    def __init__(self, python: str, program: Path, env: Mapping[str, str]) -> None:
        self._seq, self._rest = -1, b""  # ours are odd
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PATIENCE)
            port = str(server.getsockname()[1])
            where = ["--client", "127.0.0.1", "--port", port, "--file", str(program)]
            command = [python, "-X", "frozen_modules=off", "-m", "pydevd", *where]
            out = subprocess.PIPE
            self.process = subprocess.Popen(command, env=env, stdout=out, stderr=out, text=True)
            self._socket, _ = server.accept()
        self._socket.settimeout(PATIENCE)
        self.ask(VERSION, "1.0", "UNIX", "ID")  # breakpoints have numbers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.process.kill()
        self.process.communicate()

    # --- the protocol ----------------------------------------------------------------------------
    def send(self, command: str, *arguments: str) -> str:
        self._seq += 2
        line = "\t".join([command, str(self._seq), *arguments])
        self._socket.sendall(f"{line}\n".encode())
        return str(self._seq)

    def ask(self, command: str, *arguments: str) -> str:
        seq = self.send(command, *arguments)
        while True:
            _, number, body = self._heard()
            if number == seq:
                return body

    def event(self, command: str) -> str:
        while True:
            heard, _, body = self._heard()
            if heard == command:
                return body

    def _heard(self) -> tuple[str, str, str]:
        while b"\n" not in self._rest:
            more = self._socket.recv(65536)
            if not more:
                raise EOFError(f"the debugger has gone: {self.process.communicate()[1]}")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        command, number, body = line.decode().split("\t", 2)
        return command, number, unquote(body)

    # --- what a person does ----------------------------------------------------------------------
    def stop_at(self, file: Path, line: int, condition: str = "None") -> None:
        """Set a breakpoint; before `run`."""
        kind = ("python-line", str(file), str(line), "None", condition, "None", "None")
        self.send(BREAK, str(line), *kind, "False", "ALL")

    def run(self) -> None:
        self.send(RUN, "")

    def stopped(self) -> int:
        """Wait until the program stops; the line of its innermost frame."""
        thread = ET.fromstring(self.event(SUSPENDED)).find("thread")
        assert thread is not None
        frame = thread.find("frame")
        assert frame is not None
        self.place = (str(thread.get("id")), str(frame.get("id")))
        return int(str(frame.get("line")))

    def variables(self, *path: str) -> dict[str, str]:
        """The rows of the pane, by name and in order, after opening those on the path."""
        if path:
            return _rows(self.ask(VARIABLE, *self.place, "FRAME", "", *path))
        return _rows(self.ask(FRAME, *self.place, "FRAME", "0"))

    def evaluate(self, expression: str) -> str:
        (value,) = _rows(self.ask(EVALUATE, *self.place, "LOCAL", expression, "1")).values()
        return value

    def set(self, *path: str, to: str) -> None:
        """Type a new value into a row of the pane."""
        self.ask(CHANGE, *self.place, "FRAME", *path, to)

    def go(self, command: str = RESUME) -> None:
        self.send(command, self.place[0])

    def ended(self) -> tuple[int, str]:
        """Wait until the program ends; its exit code, and what it printed."""
        out, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out


def _rows(xml: str) -> dict[str, str]:
    return {
        unquote(str(row.get("name"))): unquote(str(row.get("value")))
        for row in ET.fromstring(xml).iter("var")
    }
