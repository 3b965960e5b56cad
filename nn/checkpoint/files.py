"""Files that are whole or not there: they are written next to their place and moved into it."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.outfile import named

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


FilePath = str | os.PathLike[str]


class CheckpointError(ValueError):
    """A file is no checkpoint, or not one of this model or training. Nothing was changed."""


def write(path: FilePath, data: bytes) -> None:
    """Replace a file's content in one go: at any moment the old or the new one is there, whole.

    The new content is written to a temporary file in the same folder, flushed to the disk, and
    renamed. Writers to one folder wait for each other. So the temporary file can have a fixed name,
    and if a killed process leaves one behind, the next write removes it. The new file has the
    permissions of the old one.

    Raises OSError where the file cannot be written, or where a folder, a device or a pipe has its
    name; what is there stays as it is.
    """
    target = Path(os.path.realpath(named(path, "save")))  # a link stays a link
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
    """The content of a file. Raises CheckpointError for a folder, a device or a pipe."""
    if not stat.S_ISREG(os.stat(named(path, "load")).st_mode):
        got = f"{os.fspath(path)} is not an ordinary file"
        raise CheckpointError(f"{got}; give the path that save() wrote to")
    return Path(path).read_bytes()


def _keep_mode(target: Path, temporary: Path) -> None:
    """Give the temporary file the permissions of the target, which has to be an ordinary file."""
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EEXIST, "what is there is no ordinary file")
        with suppress(PermissionError):  # a file system without modes
            temporary.chmod(stat.S_IMODE(mode))


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """Wait for other writers to the folder. Gives its descriptor, or None on Windows."""
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
