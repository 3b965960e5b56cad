"""Workers compute the same bits, also when one is killed; the diary tells who did what."""

import os
import pickle
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")
pytest.importorskip("matplotlib", reason="pip install gradwalk[demos]")
pytest.importorskip("distributed", reason="pip install gradwalk[distributed]")

from demos import distributed
from demos._diary import Diary
from demos.digits import digits

ROOT = Path(__file__).parents[2]


def test_a_worker_dies_and_the_bits_are_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demos", "distributed", "--epochs", "4", "--out", str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    noise = [line for line in done.stderr.splitlines() if not re.match("epoch |4 epochs", line)]
    assert noise == []  # nothing but progress
    for name in ("workers", "loss"):
        assert (tmp_path / f"distributed-{name}.png").stat().st_size > 10_000
    said = done.stdout
    seen = re.findall(r"^  (\S.*\S) +[\d.]+ s, +\d+ ms an epoch +(\w{12})$", said, re.MULTILINE)
    assert [name for name, _ in seen] == list(distributed.NAMES)
    assert len({digest for _, digest in seen}) == 1
    assert "the same to the bit" in said
    (sent, size, brought), (more, _, again) = re.findall(
        r"(\d+) tasks of (\d+) kB, and (\d+) times", said
    )
    assert int(sent) == 4 * 12 + 3  # three steps and a measuring, and the first three again
    assert int(size) < 100
    assert int(brought) == 3
    assert int(more) > 3 * 12
    assert 3 <= int(again) <= 4  # the new worker may be too late
    victim, task = map(int, re.findall(r"process (\d+) was killed when (\d+) tasks", said)[0])
    assert 3 + 12 < task < 3 + 24  # in the second epoch
    (heir,) = re.findall(r"process (\d+) came in its place", said)
    assert int(heir) != victim


def test_one_changed_bit_is_another_digest() -> None:
    found = distributed.train(digits(), 1, 1)
    before, parameter = found.digest(), found.model.parameters()[-1]
    assert found.digest() == before
    parameter.data = float(np.nextafter(parameter.data, 9))
    assert found.digest() != before


def test_images_are_shifted_by_a_pixel_and_keep_their_classes() -> None:
    plain = digits()
    moved = distributed.shifted(plain)
    many = len(plain.xs)
    assert len(moved.xs) == len(moved.ys) == 9 * many
    assert moved.xs[4 * many : 5 * many] == plain.xs
    assert moved.ys == plain.ys * 9
    image = np.reshape(plain.xs[5], (8, 8))
    lower = np.reshape(moved.xs[1 * many + 5], (8, 8))  # seen from a row above
    assert lower[1:].tolist() == image[:-1].tolist()
    assert not lower[0].any()


# --- the diary -----------------------------------------------------------------------------------
def test_a_diary_notes_each_task_and_hands_on_its_answer() -> None:
    with ThreadPoolExecutor(1) as pool:
        diary = Diary(pool)
        assert diary._max_workers == 1
        before = time.time()
        assert diary.submit(len, b"12345").result() == 5
        diary.turn(None)
        assert diary.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            diary.submit(divmod, 7, 0).result()
    first, second = diary.entries
    assert [(e.number, e.epoch, e.first) for e in diary.entries] == [(1, 1, True), (2, 2, False)]
    assert first.size == len(pickle.dumps((len, (b"12345",), {})))
    assert (first.pid, second.pid) == (os.getpid(), os.getpid())
    assert before <= first.start <= first.end <= second.start <= second.end <= time.time()


def test_a_diary_tries_its_deed_after_each_task_until_it_is_done() -> None:
    tried: list[int] = []

    def deed() -> bool:
        tried.append(diary.sent)
        return len(tried) == 3

    with ThreadPoolExecutor(1) as pool:
        diary = Diary(pool, deed, since=2)
        for _ in range(3):
            for _ in range(4):
                diary.submit(abs, 1).result()
            diary.turn(None)
    assert tried == [5, 6, 7]
    assert diary.at is not None
    assert diary.at[0] == 7


def test_workers_need_no_library_for_the_diary() -> None:
    code = "import demos._diary, sys; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "numpy", "sklearn", "distributed"} & set(done.stdout.split())


def test_the_words_for_a_death_say_who_did_what() -> None:
    def entry(number: int, pid: int, start: float) -> SimpleNamespace:
        return SimpleNamespace(number=number, pid=pid, start=start)

    entries = [entry(5, 1, 9.0), entry(6, 2, 10.5), entry(7, 2, 11.0), entry(8, 4, 12.5)]
    diary = SimpleNamespace(at=(6, 10.0), entries=entries)
    said = distributed.obituary(distributed.Death.of(diary, 3, 4))
    assert said == (
        "process 3 was killed when 6 tasks had been sent; task 6 was begun after that, by 2\n"
        "process 4 came in its place, and was given its first task, number 8, 2.5 s later"
    )
    late = distributed.obituary(distributed.Death.of(diary, 3, 9))
    assert late.endswith(
        "process 9 came in its place, but the training was over before it was asked"
    )
