"""Files that are whole or not there: written beside their place and moved into it, read once."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["CheckpointError", "FilePath", "read", "write"]

FilePath = str | os.PathLike[str]


class CheckpointError(ValueError):
    """A file that is no checkpoint, or not one of this model or training; nothing was changed."""


def write(path: FilePath, data: bytes) -> None:
    """Replace a file's content at once: at any moment it is the old or the new one, whole.

    The new content goes to a temporary file in the same folder, onto the disk, and then by one
    rename into place. Writers to one folder wait for each other, so that file can have a fixed
    name, and what a killed process left of it goes with the next write. Who may read the old
    content may read the new.

    Raises OSError, and leaves the old file, where it cannot be written, and what is there where
    that is a folder, a device or a pipe.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        with _locked(target.parent) as folder:
            temporary.unlink(missing_ok=True)
            try:
                with temporary.open("xb") as file:
                    _keep_mode(target, temporary)
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(target)
            except BaseException:  # Ctrl-C too
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
            if folder is not None:
                with suppress(OSError):  # the content is safe; a few systems have no more to give
                    os.fsync(folder)
    except OSError as error:
        kept = "the file that was there is unchanged" if target.exists() else "no file was made"
        raise OSError(
            error.errno,
            f"cannot write the file: {error.strerror or error}; {kept}; it needs "
            f"{len(data):,} bytes in a folder that can be written to",
            str(target),
        ) from error


def read(path: FilePath) -> bytes:
    """The content of an ordinary file: neither a folder nor a device or pipe that never ends."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise CheckpointError(
            f"{os.fspath(path)} is not an ordinary file; give the path that save() wrote to"
        )
    return Path(path).read_bytes()


def _keep_mode(target: Path, temporary: Path) -> None:
    """Let a private file stay private, and a device or a pipe what it is."""
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EEXIST, "what is there is no ordinary file")
        with suppress(PermissionError):  # a file system without modes
            temporary.chmod(stat.S_IMODE(mode))


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """The folder's descriptor while no other writer has it; None where folders cannot be opened."""
    if fcntl is None:
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
