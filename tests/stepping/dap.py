"""A small client of the Debug Adapter Protocol: what VS Code says to debugpy, and hears from it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Self

PATIENCE = 60.0  # seconds until an answer is said not to come


class Refused(Exception):
    """The adapter answered that it could not do what was asked."""


class Client:
    """A session with debugpy's adapter, over its standard input and output, as VS Code has it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "debugpy.adapter"]
        self.adapter = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.adapter.stdin is not None
        assert self.adapter.stdout is not None
        self._out, self._in = self.adapter.stdin, self.adapter.stdout
        self._heard: Queue[dict[str, Any] | None] = Queue()
        self._seq = 0
        self.output = ""
        self.waiting: list[dict[str, Any]] = []  # events that nobody has asked for yet
        self._reader = Thread(target=_read, args=(self._in, self._heard), daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()
        try:
            self.adapter.wait(10)
        except subprocess.TimeoutExpired:
            self.adapter.kill()
            self.adapter.wait()
        self._reader.join(10)
        self._in.close()

    # --- the protocol ----------------------------------------------------------------------------
    def send(self, command: str, **arguments: Any) -> int:
        self._seq += 1
        message = {"seq": self._seq, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self._out.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._out.flush()
        return self._seq

    def answer(self, seq: int) -> dict[str, Any]:
        while True:
            message = self._next()
            if message["type"] == "response" and message["request_seq"] == seq:
                if not message["success"]:
                    raise Refused(message.get("message"))
                return dict(message.get("body") or {})

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        return self.answer(self.send(command, **arguments))

    def event(self, *names: str) -> dict[str, Any]:
        """The next event of one of those names, among those that have come already too."""
        while True:
            for message in self.waiting:
                if message["event"] in names:
                    self.waiting.remove(message)
                    return message
            self._next()

    def _next(self) -> dict[str, Any]:
        try:
            message = self._heard.get(timeout=PATIENCE)
        except Empty:
            raise TimeoutError(f"nothing heard for {PATIENCE} s; so far: {self.output}") from None
        if message is None:
            raise EOFError(f"debugpy's adapter has ended; so far: {self.output}")
        if message["type"] == "event":
            if message["event"] == "output":
                if message["body"].get("category") in ("stdout", "stderr"):
                    self.output += message["body"]["output"]
            else:
                self.waiting.append(message)
        return message

    # --- what a person does ----------------------------------------------------------------------
    def launch(
        self, program: Path, breakpoints: list[dict[str, Any]], python: str, env: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Start a program under the default settings; what came of the breakpoints."""
        self.ask(
            "initialize", adapterID="debugpy", pathFormat="path", clientID="gradwalk",
            linesStartAt1=True, columnsStartAt1=True, supportsVariableType=True,
        )  # fmt: skip
        launched = self.send(
            "launch", program=str(program), python=[python], env=dict(env),
            cwd=str(program.parent), console="internalConsole",
        )  # fmt: skip
        self.event("initialized")
        source = {"path": str(program)}
        found = self.ask("setBreakpoints", source=source, breakpoints=breakpoints)["breakpoints"]
        self.ask("configurationDone")
        self.answer(launched)
        return list(found)

    def stopped(self) -> "Stop":
        """Wait until the program stops."""
        event = self.event("stopped", "terminated")
        if event["event"] == "terminated":
            raise EOFError(f"the program ended without stopping: {self.output}")
        return Stop(self, event["body"])

    def ended(self) -> int:
        """Wait until the program ends; its exit code."""
        code = self.event("exited")["body"]["exitCode"]
        self.event("terminated")
        return int(code)


class Stop:
    """A stopped program, looked at from its innermost frame."""

    def __init__(self, client: Client, body: dict[str, Any]) -> None:
        self.client, self.reason, self.thread = client, body["reason"], body["threadId"]
        self.frames = client.ask("stackTrace", threadId=self.thread)["stackFrames"]
        self.frame = self.frames[0]
        self.line: int = self.frame["line"]
        (scope, *_) = client.ask("scopes", frameId=self.frame["id"])["scopes"]
        self.locals: int = scope["variablesReference"]

    def variables(self, *path: str) -> dict[str, dict[str, Any]]:
        """The rows of the pane, by name and in order, after opening those on the path."""
        opened = self.reference(*path)
        rows = self.client.ask("variables", variablesReference=opened)["variables"]
        return {row["name"]: row for row in rows}

    def reference(self, *path: str) -> int:
        opened = self.locals
        for name in path:
            rows = self.client.ask("variables", variablesReference=opened)["variables"]
            opened = next(row["variablesReference"] for row in rows if row["name"] == name)
        return opened

    def evaluate(self, expression: str, context: str = "watch") -> str:
        found = self.client.ask(
            "evaluate", expression=expression, frameId=self.frame["id"], context=context
        )
        return str(found["result"])

    def set(self, *path: str, to: str) -> str:
        """Type a new value into a row of the pane; what the row shows then."""
        *opened, name = path
        reference = self.reference(*opened)
        return str(
            self.client.ask("setVariable", variablesReference=reference, name=name, value=to)[
                "value"
            ]
        )

    def go(self, command: str) -> None:
        """`next`, `stepIn`, `stepOut` or `continue`."""
        self.client.ask(command, threadId=self.thread)


def _read(source: IO[bytes], heard: "Queue[dict[str, Any] | None]") -> None:
    """Messages, until there are no more."""
    while header := source.readline():
        length = 0
        while header.strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            header = source.readline()
        heard.put(json.loads(source.read(length)))
    heard.put(None)
