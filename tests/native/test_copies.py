"""Programs as pickles and copies, and what compiled code they share."""

import copy
import math
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import engine
from engine import Program, Value, gradient, topological
from engine.core.operation import TABLE, rows
from engine.native import assembly, library, threads
from engine.native import program as program_room
from nn import MLP
from tests.native.tools import ieee, line, near, same_bits


def test_a_pickled_program_has_each_node_once() -> None:
    xs = engine.inputs(*"abcdefgh")
    model = MLP(8, [8, 8, 1], rng=1)
    y = model(xs)
    few, many = [y], [y, *gradient(y, model.parameters())]
    sizes = [len(pickle.dumps(Program(xs, ys, model.parameters()))) for ys in (few, many)]
    nodes = [len(topological(*ys)) for ys in (few, many)]
    assert len(many) > 100
    assert sizes[1] / nodes[1] < 1.5 * sizes[0] / nodes[0]


def test_programs_pickle_and_copy() -> None:
    xs, ws, program = line(3)
    rows = np.arange(12.0).reshape(4, 3)
    want = program(rows)
    for twin in (
        pickle.loads(pickle.dumps(program)),
        pickle.loads(pickle.dumps(program, 2)),
        copy.deepcopy(program),
        copy.copy(program),
    ):
        assert isinstance(twin, Program)
        assert same_bits(twin(rows), want)
        assert twin.stats.cached
        assert repr(twin) == repr(program)
        assert [x.label for x in twin.inputs] == ["x0", "x1", "x2"]
    shared, apart = copy.copy(program), copy.deepcopy(program)
    reduced = pickle.loads(pickle.dumps(Program(xs, xs, reduce="mean")))
    assert reduced(rows).tolist() == rows.mean(axis=0).tolist()
    ws[0].data = 50.0
    assert same_bits(shared(rows), program(rows))
    assert same_bits(apart(rows), want)
    assert not same_bits(program(rows), want)


def test_the_same_structure_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compilations: list[str] = []
    real = library.compile_text
    monkeypatch.setattr(
        library, "compile_text", lambda t, *how: compilations.append(t) or real(t, *how)
    )

    def make(constant: float, reduce: Any = None, name: str = "tanh") -> Program:
        library._shared.clear()  # of which others of the same functions would be made
        x, w = Value(0.1, "a"), Value(constant, "w")
        y = getattr(x * 1.25 + w * 0.75, name)() + constant
        return Program([x], [y], [w], reduce)

    first = make(0.123)
    assert not first.stats.cached
    again = make(0.123)
    assert again.stats.cached
    assert again.stats.nodes == first.stats.nodes
    assert len(compilations) == 1
    rows = [[0.5], [1.5]]
    assert same_bits(first(rows), again(rows))
    for other in (make(0.124), make(-0.123), make(0.123, "sum"), make(0.123, "mean")):
        assert not other.stats.cached
    assert not make(0.123, name="sigmoid").stats.cached
    assert len(compilations) == 6
    near(make(0.124)(rows) - first(rows), make(0.124)(rows) - make(0.123)(rows), 1e-15)
    assert make(0.123)(rows)[0, 0] != make(0.124)(rows)[0, 0]


def test_a_graph_that_is_recorded_again_has_the_same_tape() -> None:
    def make(number: float, weight: float, between: int = 0) -> Program:
        x, w = Value(0.5, "x"), Value(weight, "w")
        y = (x * number + w).tanh()
        _ = [x * float(k) for k in range(2, between)]  # so many numbers that none is met again
        y = y * number + x / number
        return Program([x], [y, *gradient(y, [x, w])], [w])

    first = make(1.5, 2.0)
    for twin in (make(1.5, 2.0), make(1.5, -1.0), make(1.5, 2.0, between=60)):
        assert twin._tape is first._tape
    assert make(1.5, -1.0)([[0.3]])[0, 0] != first([[0.3]])[0, 0]
    zero, other = [Program([x := Value(1.0)], [x * number]) for number in (0.0, -0.0)]
    assert [math.copysign(1.0, each([[2.0]])[0, 0]) for each in (zero, other)] == [1.0, -1.0]


def test_an_operation_that_was_replaced_is_not_taken_for_the_new_one() -> None:
    def make(factor: float) -> Program:
        scale = engine.operation("scale", lambda a: a * factor, lambda y, a: factor)
        outer = engine.operation("outer", lambda a: rows.scale(a), lambda y, a: 1.0)
        x = Value(1.0)
        return Program([x], [scale(x), outer(x)])

    found = [make(k)([[1.0]]).tolist() for k in (2.0, 3.0)]
    del TABLE["scale"], TABLE["outer"]
    assert found == [[[2.0, 2.0]], [[3.0, 3.0]]]


def test_code_for_few_rows_gives_the_same_bits_and_makes_way_for_faster_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    efforts: list[bool] = []
    real = library.compile_text
    monkeypatch.setattr(library, "compile_text", lambda *a: efforts.append(a[1]) or real(*a))
    monkeypatch.setattr(assembly, "WORTH", 10_000.0)
    x, w = Value(0.1, "x"), Value(0.789, "w")
    y = (x * w).tanh() + (w - x).exp() * 0.3579
    program = Program([x], [y, gradient(y, w)], [w], rows=10)
    rows = np.linspace(-3.0, 3.0, 50)[:, None]
    want = program(rows)
    assert efforts[0] is False  # its loops may be there already
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda _: program(rows), range(200)):
            assert same_bits(got, want)
    threads._aside().submit(int).result()  # what was begun before is done
    assert efforts.count(False) == 1
    assert program._compiled.assembly.good_for == math.inf
    known = len(efforts)
    assert same_bits(Program([x], program.outputs, [w])(rows), want)
    assert same_bits(pickle.loads(pickle.dumps(program))(rows), want)
    assert len(efforts) == known


def test_calls_go_on_while_faster_code_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = program_room.compiled_tape

    def slow(tape: Any, reduce: Any, rows: float, alone: bool = False) -> Any:
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            assert go_on.wait(60)
        return real(tape, reduce, rows, alone)

    monkeypatch.setattr(program_room, "compiled_tape", slow)
    monkeypatch.setattr(program_room, "WORTH", 100.0)
    monkeypatch.setattr(assembly, "WORTH", 10_000.0)
    x, w = Value(0.1, "x"), Value(0.791, "w")
    y = (x * w).tanh() + (w - x).exp() * 0.4821
    program = Program([x], [y, gradient(y, w)], [w], rows=10)
    first, rows = program._compiled, np.linspace(-3.0, 3.0, 50)[:, None]
    want, one = program(rows), program(rows[:1])
    for _ in range(200):
        assert same_bits(program(rows), want)
        assert same_bits(program(rows[:1]), one)
    assert begun.wait(60)
    assert program._compiled is first
    assert program._alone is None
    go_on.set()
    threads._aside().submit(int).result()
    assert program._compiled is not first
    assert program._alone
    assert same_bits(program(rows), want)
    assert same_bits(program(rows[:1]), one)


def test_constants_that_look_alike_are_not_confused() -> None:
    x = Value(0.1, "x")
    answers = []
    with ieee():
        for constant in (0.0, -0.0, math.nan, math.inf, -math.inf, 1.0, math.nextafter(1, 2)):
            (got,) = Program([x], [x * Value(constant)])([[2.0]]).tolist()
            assert same_bits(got, [2.0 * constant])
            answers.append(repr(got[0]))
    assert len(set(answers)) == 7


def test_positions_of_inputs_and_parameters_belong_to_the_structure() -> None:
    a, b = Value(0.0, "a"), Value(0.0, "b")
    y = a - b
    for inputs, parameters, want in (
        ([a, b], [], [7.0]),
        ([b, a], [], [-7.0]),
        ([a], [b], None),
    ):
        program = Program(inputs, [y], parameters)
        rows = [[10.0, 3.0][: len(inputs)]]
        got = program(rows, parameters=[3.0][: len(parameters)]).tolist()
        assert got == [want or [7.0]]
    assert Program([a, b], [y, a]).stats.cached is False
    assert Program([a, b], [a, y])([[5.0, 3.0]]).tolist() == [[5.0, 2.0]]


def test_programs_die_with_their_last_reader() -> None:
    _, _, program = line(1)
    program([[1.0]])
    reference = weakref.ref(program)
    del program
    assert reference() is None
