"""Machine code kept from one process to the next, where GRADWALK_CACHE names a folder for it.

A file is named by all that its code depends on. It may be deleted at any time. Name a folder that
others cannot write to: what is there is run.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

VARIABLE = "GRADWALK_CACHE"
SUM = 32  # bytes of a check sum, with which a file begins


def keep(engine: Any, *given: object) -> None:
    """Let an engine of LLVM take its code from the folder, and leave it there."""
    if folder := os.environ.get(VARIABLE):
        Path(folder).mkdir(parents=True, exist_ok=True)
        path = Path(folder, sha256(repr(given).encode()).hexdigest())
        engine.set_object_cache(partial(_write, path), partial(_read, path))


def _read(path: Path, module: Any) -> bytes | None:
    with suppress(OSError):
        found = path.read_bytes()
        if sha256(found[SUM:]).digest() == found[:SUM]:
            return found[SUM:]
    return None


def _write(path: Path, module: Any, code: bytes) -> None:
    own = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # a full disk, say: the code is compiled already
        own.write_bytes(sha256(code).digest() + code)
        own.replace(path)
