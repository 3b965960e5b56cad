"""Where ordinary code decided on a number that changes from call to call, or read it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import ref

from engine.core.graph import describe, topological
from engine.core.inputs import INDEX, ControlFlowError, declared, looked_at
from engine.core.modes import RECORDING
from engine.core.node import ITEM, Node
from engine.core.ops import CONSTANT
from engine.core.value import Value
from engine.settings import Scope
from engine.source.lost import outcomes, outside_library, warn_at
from engine.source.origin import line_of, origin_of
from engine.source.reads import compared, latest, reads


class _RecordingProgram(Scope[bool]):
    """The time in which the function of a program is called.

    Where it looks up an open node in an array of NumPy, or in a dictionary, they raise errors of
    their own, which do not tell why.
    """

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        kind, error, tb = exception
        looked_up = kind is KeyError and isinstance(error.args[0], Node)
        if looked_up or (kind is IndexError and "only integers" in str(error)):
            while tb.tb_next:
                tb = tb.tb_next
            raise ControlFlowError(
                f"index at {tb.tb_frame.f_code.co_filename}:{tb.tb_lineno}: an input has no number "
                f"yet, by which NumPy or a dictionary could find something; {INDEX}"
            ) from error


recording_program: Scope[bool] = _RecordingProgram(RECORDING, True)


def check_decisions(
    inputs: Sequence[Value], parameters: Sequence[Value], outputs: Sequence[Value]
) -> None:
    """An error where ordinary code may have decided on what varies, since there were inputs."""
    since = min([declared.get(ref(node), -1) for node in inputs], default=-1)
    line, sure = _baked_in(outputs, [*inputs, *parameters], since)
    if line:
        text = (
            f"the number of an input or a parameter, or of a result of it, was read at {line}, and "
            f"it {'would be' if sure else 'may have been'} baked into the program as it was then; "
            "compute with the Values and decide with where(test, a, b), or, where that number is "
            "meant, read it before inputs(...)"
        )
        if sure:
            raise ControlFlowError(text)
        file, _, at = line.rpartition(":")
        warn_at(outside_library(sys._getframe()), file, int(at), text)
    for kind, leaves in (("input", inputs), ("parameter", parameters)):
        for leaf in leaves:
            if line := looked_at(leaf, since):
                raise ControlFlowError(
                    f"{describe(leaf)}, or a result of it, was read at {line}, and the answer "
                    f"would be baked into the program, though its {kind}s change; make the "
                    f"{kind}s with engine.inputs(...) before anything is computed from them, and "
                    "record the decision with where(test, a, b)"
                )


def _baked_in(outputs: Iterable[Node], leaves: Iterable[Node], since: float) -> tuple[str, bool]:
    """The line where a number was read of a leaf or a result of it that is a constant below.

    It was read at that time or later. Also whether that is sure. It is not where a number was
    compared, which may have decided what is below. Nor where one equals that of a leaf, or what a
    function of `math` gives for it: it may have come out of a text.
    """
    nodes, known, found = topological(*outputs) if reads or latest else [], {*leaves}, set[int]()
    for node in nodes:
        read = reads.get(node)
        if read is not None and read.time >= since and id(read) not in found:
            found.add(id(read))
            if not known.isdisjoint(topological(*read.nodes)):
                return read.line, True
    for asked, (read_of, time) in [*compared.items()]:
        if time >= since and not known.isdisjoint(topological(*read_of)):
            return asked, False
    likely = {
        y: line
        for x, (leaf, time, line) in latest.items()
        if leaf() in known and time >= since
        for y in (x, *outcomes(x))
    }
    for node in nodes if likely else ():
        # a leaf may hold it by intent, as a copy of a model does
        for number in [p._data for p in node.parents if p.op is CONSTANT]:
            # a round one may just happen to be the same
            if number in likely and not (number * 1024.0).is_integer() and node._code:
                line = origin_of(node._code, node._at % ITEM, None).line
                if repr(number) not in line_of(node._code, line):
                    return likely[number], False
    return "", False
