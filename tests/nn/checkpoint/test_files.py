"""A file is the old or the new one, whole: killed processes, full disks, closed folders."""

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from nn import MLP, Neuron, load, save
from nn.checkpoint.files import read, write

pytest.importorskip("safetensors", reason="pip install gradwalk[checkpoints]")

# Forks writers of one version after another, each of which is one byte many times, and kills them;
# forking is quicker than starting an interpreter, and a process without threads may do it.
KILLER = """
import os, random, signal, sys, time
from nn.checkpoint.files import write
folder, size, rng = sys.argv[1], 300_000, random.Random(1)
path = os.path.join(folder, "model")
start = time.perf_counter()
for _ in range(10):
    write(path, bytes(size))
window = 0.3 * (time.perf_counter() - start)  # three writes
caught, seen = 0, set()
for _ in range(300):
    child = os.fork()
    if child == 0:
        while True:
            write(path, bytes([rng.randrange(256)]) * size)
    rng.random()  # so that the next child writes another version
    time.sleep(rng.random() * window)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(path, "rb") as file:
        found = file.read()
    assert found == found[:1] * size, "torn"
    if found[0] in seen:  # on a busy machine writers need longer than at the start
        window = min(1.05 * window, 0.2)
    seen.add(found[0])
    caught += len(os.listdir(folder)) == 2
print(len(seen), caught)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed another way there")
def test_killed_at_any_moment_the_file_is_whole(tmp_path):
    program = [sys.executable, "-c", KILLER, str(tmp_path)]
    ran = subprocess.run(program, capture_output=True, text=True, check=True)
    versions, caught = map(int, ran.stdout.split())
    assert versions > 10  # files were replaced
    assert caught > 10  # and some writers died while they wrote
    write(tmp_path / "model", b"after")
    assert os.listdir(tmp_path) == ["model"]  # what the killed ones left is gone
    assert read(tmp_path / "model") == b"after"


SIZE = 300_000


def test_writers_to_one_file_do_not_mix(tmp_path):
    path, errors = tmp_path / "model", []

    def writing(byte):
        try:
            for _ in range(20):
                write(path, byte * SIZE)
                found = read(path)
                if found != found[:1] * SIZE:
                    errors.append("mixed")
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=writing, args=(bytes([i]),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["model"]


def test_the_content_is_on_the_disk_before_the_name_and_the_name_after(tmp_path, monkeypatch):
    done = []

    def noting(name, function):
        def call(*args):
            done.append(name)
            return function(*args)

        return call

    monkeypatch.setattr(os, "fsync", noting("fsync", os.fsync))
    monkeypatch.setattr("pathlib.Path.replace", noting("replace", os.replace))
    write(tmp_path / "a", b"x")
    assert done == (
        ["fsync", "replace"] if sys.platform == "win32" else ["fsync", "replace", "fsync"]
    )


def old_and_new(folder):
    old, new = Neuron(2, rng=1), MLP(20, [30, 1], rng=2)
    save(old, folder / "model")
    return (folder / "model").read_bytes(), new


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path):
    """The kernel refuses to write past a limit, as it does on a full disk."""
    resource = pytest.importorskip("resource", reason="no limit of this kind here")
    before, new = old_and_new(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
        with pytest.raises(
            OSError, match="File too large; the file that was there is unch"
        ) as caught:
            save(new, tmp_path / "model")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_no_space_is_said_and_nothing_stays_behind(where, tmp_path, monkeypatch):
    before, new = old_and_new(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync" if where == "fsync" else "pathlib.Path.replace", full)
    message = r"cannot write the file: No space left on device; .* unchanged; it needs [\d,]+ by"
    with pytest.raises(OSError, match=message) as caught:
        save(new, tmp_path / "model")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left on device; no file was made"):
        save(new, tmp_path / "other")
    assert (tmp_path / "model").read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


def test_ctrl_c_in_the_middle_leaves_the_old_file(tmp_path, monkeypatch):
    before, new = old_and_new(tmp_path)

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(new, tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


AS_NOBODY = """
import os, sys
import nn, safetensors.numpy
if os.geteuid() == 0:  # to whom no folder is closed
    os.setgid(65534)
    os.setuid(65534)
nn.load(sys.argv[1])
try:
    nn.save(nn.Neuron(3, rng=1), sys.argv[1])
except PermissionError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are other ones there")
def test_a_folder_that_is_closed_leaves_the_old_file():
    with tempfile.TemporaryDirectory() as name:  # the one of tmp_path is the user's alone
        folder = Path(name)
        before, _ = old_and_new(folder)
        folder.chmod(0o555)
        program = [sys.executable, "-c", AS_NOBODY, str(folder / "model")]
        ran = subprocess.run(program, capture_output=True, text=True)
        folder.chmod(0o700)
        assert "Permission denied; the file that was there is unchanged" in ran.stdout, ran.stderr
        assert (folder / "model").read_bytes() == before
        assert os.listdir(folder) == ["model"]


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such file or directory; no file was made"):
        save(Neuron(1, rng=1), tmp_path / "missing" / "model")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_stays_a_link_and_a_trap_is_not_stepped_into(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "model")
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "real" / ".model.tmp").symlink_to(tmp_path / "victim")
    save(Neuron(1, rng=1), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert repr(load(tmp_path / "real" / "model")) == "Neuron(1, activation='relu')"
    assert (tmp_path / "victim").read_bytes() == b"precious"


@pytest.mark.skipif(sys.platform == "win32", reason="it has neither")
def test_who_may_read_it_stays_and_a_pipe_stays_a_pipe(tmp_path):
    save(Neuron(1, rng=1), tmp_path / "new")
    (tmp_path / "new").chmod(0o640)
    save(Neuron(1, rng=2), tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="what is there is no ordinary file; the file that was there"):
        save(Neuron(1, rng=1), tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["new", "pipe"]
