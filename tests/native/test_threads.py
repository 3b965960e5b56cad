"""Programs in several threads: equal bits, and the interpreter is free meanwhile."""

import threading
from typing import Any

import numpy as np
import pytest

import engine
from engine import Program, Value, gradient, operation
from engine.native import threads
from tests.core.test_threads import together
from tests.native.tools import line, same_bits


def network() -> tuple[Program, Program, int]:
    xs = [Value(0.0, f"x{i}") for i in range(4)]
    ws = [[Value(0.1 * (i - j)) for i in range(4)] for j in range(9)]
    h = [engine.dot(w, xs).tanh() for w in ws]
    loss = engine.logsumexp(h) + engine.dot(h, h)
    parameters = [w for row in ws for w in row]
    outputs = [loss, *gradient(loss, parameters)]
    return Program(xs, outputs[:6], parameters), Program(xs, outputs, parameters, "mean"), 36


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_on_one_program_get_equal_bits(threads: int) -> None:
    each, mean, count = network()
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(97 + 50 * k, 4)) for k in range(threads)]
    thetas = [rng.normal(size=count) for _ in range(threads)]
    want = [
        (each(batch), mean(batch, parameters=theta))
        for batch, theta in zip(batches, thetas, strict=True)
    ]

    def work(k: int) -> bool:
        good = True
        for _ in range(60):
            good &= same_bits(each(batches[k]), want[k][0])
            good &= same_bits(mean(batches[k], parameters=thetas[k]), want[k][1])
        return good

    assert together(work, threads) == [True] * threads


def test_threads_that_compile_at_once() -> None:
    def work(k: int) -> list[Any]:
        x = Value(0.0, "x")
        answers = []
        for i in range(6):
            y = (x * (0.25 + i % 3)).tanh() + float(k % 2)
            answers += Program([x], [y])([[0.5]]).tolist()
        return answers

    results = together(work, 8)
    assert results[0] == results[2] == results[6]
    assert results[1] == results[7] != results[0]


def test_threads_that_compute_again_as_written_at_once() -> None:
    programs = []
    for scale in range(1, 7):  # the weights are added up by themselves, and that overflows
        xs = [Value(0.0, f"x{k}") for k in range(8)]
        ws = [Value(x) for x in (1.5e308, 1.5e308, -1.5e308, -1.5e308)]
        terms = [each * xs[k] for k, w in enumerate(ws) for each in (w, xs[4 + k])]
        programs.append(Program(xs, [sum(terms) * scale], ws))
    rows = [[1.0, 1.0, 1.0, 1.0, -1.5e308, -1.5e308, 1.5e308, 1.5e308]]

    def work(k: int) -> list[Any]:
        return [program(rows).tolist() for program in programs]

    assert together(work, 8) == [[[[0.0]]] * 6] * 8


def test_the_interpreter_runs_while_a_program_does() -> None:
    """Two calls that each wait, within native code, until the other has come as far: if one held
    the interpreter's lock to its end, the other would never begin.
    """
    both = threading.Barrier(2)
    x = Value(0.0, "x")
    meet = operation("meet", lambda a: float(both.wait(20) >= 0) + a, lambda y, a: 1.0)
    with engine.numeric_mode("ieee"):
        both.wait = lambda timeout=None: 0  # type: ignore[method-assign,assignment]
        program = Program([x], [meet(x)])
        del both.wait
    width = 1

    def work(k: int) -> Any:
        return program(np.full((width, 1), float(k))).tolist()

    assert together(work, 2) == [[[1.0]], [[2.0]]]


@pytest.mark.parametrize("helped", [False, True])
def test_a_long_call_holds_nobody_up(helped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread is inside a single native call, another counts: with the lock held it could
    not take a step between the start and the end of the call.
    """
    x = Value(0.0, "x")
    y = x
    for _ in range(60):
        y = (y * 0.5 + x).sin()
    program = Program([x], [y], reduce="sum")
    rows = np.linspace(0.0, 1.0, 200_000)[:, None]
    program(rows[:10])
    inside, counted, running = threading.Event(), [0], [True]

    def count() -> None:
        inside.wait()
        while running[0]:
            counted[0] += 1

    other = threading.Thread(target=count, daemon=True)
    other.start()
    compiled = program._compiled
    where: Any = compiled
    name = "runs"
    if helped and threads.workers() > 1:
        where, name = threads._team(), "_share"
    else:
        compiled.pace = None
    real = getattr(where, name)

    def watched(*given: Any) -> Any:
        inside.set()
        before = counted[0]
        answer = real(*given)
        during.append(counted[0] - before)
        return answer

    during: list[int] = []
    monkeypatch.setattr(where, name, watched)
    program(rows)
    running[0] = False
    other.join(20)
    assert during[0] > 1000


def test_a_parameter_that_another_thread_changes_is_old_or_new() -> None:
    _, (w,), program = line(1)
    stop = threading.Event()

    def change() -> None:
        k = 0
        while not stop.is_set():
            k += 1
            w.data = float(k % 2) + 1.0

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    rows = np.ones((64, 1))
    for _ in range(500):
        answers = set(program(rows)[:, 0].tolist())
        assert len(answers) == 1  # one answer for all rows of a call
        assert answers <= {1.5, 2.5}
    stop.set()
    thread.join(20)
    w.data = 7.0
    assert program(rows[:1]).tolist() == [[7.5]]
