"""When a program answers for a model, and that nothing of it shows: rows, forms, errors, memory."""

import itertools
import math
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import engine
from engine import NumericError, Program, Value, no_grad, numeric_mode
from nn import MLP, Layer, Module, Neuron, predict
from nn.evaluation import programs
from nn.evaluation.measure import MANY
from nn.evaluation.programs import COMPARED, answers, kept, known_architecture, outputs, spread
from tests.nn.evaluation.models_made import XS, Custom

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")


def called(model: Any, xs: Any) -> Any:
    with no_grad():
        found = [model(x) for x in xs]
    return np.array([[*map(float, y)] if isinstance(y, list) else float(y) for y in found])


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_kept", OrderedDict())


# --- how many rows
@pytest.mark.parametrize("many", [0, 1, 2, MANY - 1, MANY, MANY + 1])
def test_so_many_rows_are_worth_a_program(many: int, records: list[Program]) -> None:
    assert MANY == 128
    model = MLP(2, [3, 2], "tanh", rng=1)
    rows = np.resize(XS, (many, 2)).tolist()
    found = predict(model, rows)
    assert np.allclose(found, called(model, rows), rtol=1e-12) or not many
    assert len(found) == many
    assert len(records) == (many >= MANY)


@pytest.mark.parametrize("counts", [(MANY, 3), (3, MANY), (MANY - 1, MANY), (MANY, MANY + 1),
                                    (MANY - 1, MANY - 1), (200, 1, 150)])  # fmt: skip
def test_rows_of_one_length_are_a_program_among_others(
    counts: tuple[int, ...], records: list[Program]
) -> None:
    class Total(Module):
        def __call__(self, xs: Any) -> Any:
            return engine.tanh(engine.sum([x * 0.1 for x in xs]))

    lengths = [n + 1 for n, many in enumerate(counts) for _ in range(many)]
    lengths = [lengths[i] for i in np.random.default_rng(1).permutation(len(lengths))]
    rows = [[0.3 * k - 0.01 * i for k in range(n)] for i, n in enumerate(lengths)]
    found = predict(Total(), rows)
    assert found == pytest.approx([math.tanh(sum(x * 0.1 for x in row)) for row in rows])
    assert len(records) == sum(many >= MANY for many in counts)


@pytest.mark.parametrize("counts", [(MANY,), (MANY, 3), (MANY, MANY), (3, 200, MANY - 1)])
def test_a_program_is_tried_once_for_all_rows_and_once_for_those_of_a_length(
    counts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    monkeypatch.setattr(programs, "outputs", lambda model, rows: tried.append(len(rows)))
    rows = [[1.0] * (k + 1) for k, many in enumerate(counts) for _ in range(many)]
    found = predict(Custom(lambda self, x: engine.sum(x)), rows)
    assert found == [float(len(row)) for row in rows]
    each = [many for many in counts if many >= MANY] if len(counts) > 1 else []
    assert tried == [len(rows), *each]
    tried.clear()
    mixed = [[1.0], 1.0] * MANY  # a number is no list of one
    assert predict(Custom(lambda self, x: 2.0), mixed) == [2.0] * len(mixed)
    assert tried == [2 * MANY, MANY, MANY]


def test_numbers_and_lists_may_be_mixed() -> None:
    class Total(Module):
        def __call__(self, xs: Any) -> Any:
            return engine.sum(xs) if isinstance(xs, list) else xs * Value(2.0)

    rows = [float(i) if i % 2 else [float(i), 1.0] for i in range(2 * MANY)]
    assert predict(Total(), rows) == [2.0 * i if i % 2 else i + 1.0 for i in range(2 * MANY)]


@pytest.mark.parametrize("many", [3, 2 * MANY])
@pytest.mark.parametrize("at", [0, 2])
def test_the_row_of_an_error_is_counted_from_0(many: int, at: int) -> None:
    class Root(Module):
        def __call__(self, xs: Any) -> Any:
            return engine.sqrt(xs[0])

    rows = [[1.0]] * many
    rows[at] = [-4.0]
    with pytest.raises(NumericError, match=f"^row {at}: sqrt") as error:
        predict(Root(), rows)
    assert error.value.row == at
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


# --- forms
FORMS: list[tuple[Any, list[Any], tuple[int, ...]]] = [
    (3, [3], ()), ([], [], (0,)), ([3], [3], (1,)), ((3, 4), [3, 4], (2,)),
    ([[1], [2]], [1, 2], (2, 1)), ([(1, 2, 3), [4, 5, 6]], [1, 2, 3, 4, 5, 6], (2, 3)),
    ([[[1, 2]], [[3, 4]], [[5, 6]]], [1, 2, 3, 4, 5, 6], (3, 1, 2)), ("ab", ["ab"], ()),
]  # fmt: skip


@pytest.mark.parametrize(("output", "values", "form"), FORMS)
def test_an_output_has_a_form(output: Any, values: Any, form: Any) -> None:
    assert spread(output) == (values, form)


def test_lists_in_an_output_are_alike() -> None:
    for wrong, sizes in (([[1], [2, 3]], [1, 2]), ([[[1, 2, 3]], [[1]]], [1, 3])):
        text = rf"^an output has lists of \[{sizes[0]}, {sizes[1]}\] items; let all have as many$"
        with pytest.raises(TypeError, match=text):
            spread(wrong)
    with pytest.raises(TypeError):
        spread([1, [2]])


@pytest.mark.parametrize("made", [list, tuple])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (3, 1), (2, 1, 2)])
def test_outputs_of_every_form_come_back_in_it(shape: tuple[int, ...], made: Any) -> None:
    class Shaped(Module):
        def __call__(self, x: Any) -> Any:
            def make(sizes: tuple[int, ...], k: int) -> Any:
                if not sizes:
                    return x[0] * (k + 1) + x[1]
                return made([make(sizes[1:], 10 * k + i) for i in range(sizes[0])])

            return make(shape, 0)

    for rows in (XS, XS[:3]):
        found = predict(Shaped(), rows)
        wanted = np.array([Shaped()(row) for row in rows], dtype="float64")
        assert np.allclose(found, wanted, rtol=1e-12)
        assert np.array(found).shape == (len(rows), *shape)
        assert isinstance(found, list)
        assert isinstance(found[0], list if shape else float)
    array = outputs(Shaped(), XS)
    assert (array.shape, array.dtype) == ((len(XS), *shape), np.float64)
    assert answers(Shaped(), XS).shape == (len(XS), math.prod(shape))


@pytest.mark.parametrize("kind", ["f4", "i8", "u1", "?"])
@pytest.mark.parametrize("width", [0, 1, 3])
def test_numbers_of_every_type_are_rows(kind: str, width: int) -> None:
    rows = np.random.default_rng(1).integers(0, 2, (MANY, width) if width else MANY).astype(kind)
    model: Any = MLP(3, [2], rng=1) if width == 3 else Neuron(1, "tanh", rng=1)
    found = outputs(model, rows)
    assert np.allclose(found, called(model, rows.astype(float).tolist()), rtol=1e-12)
    for other in (rows.astype(complex), rows.astype(str), rows.astype(object), np.ma.array(rows)):
        assert outputs(model, other) is None


def test_answers_are_those_of_the_model_where_there_is_no_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [[0.5, 1.0], [-1.0, 2.0], [0.25, 3.0]]
    deciding = Custom(lambda self, x: [x[1], -x[1]] if x[0] > 0 else [x[1], x[1]])
    assert answers(deciding, rows).tolist() == [[1.0, -1.0], [2.0, 2.0], [3.0, -3.0]]
    formula, called = Custom(lambda self, x: x[1] * 2.0), []
    monkeypatch.setattr(programs, "predict", lambda *given: called.append(given))
    assert answers(formula, rows).tolist() == [[2.0], [4.0], [6.0]]
    assert called == []


# --- which rows are compared, and how
@pytest.mark.parametrize("many", [1, 7, 8, 9, 15, 16, 17, 130])
def test_a_program_is_held_against_rows_from_all_over(many: int) -> None:
    seen: list[float] = []

    def work(self: Any, x: Any) -> Any:
        if not isinstance(x[0], Value):
            seen.append(x[0])
        return self.layer(x)

    rows = [[float(i), 1.0] for i in range(many)]
    assert outputs(Custom(work), rows) is not None
    step = math.ceil(many / COMPARED)
    assert COMPARED == 8
    assert seen == [float(i) for i in range(0, many, step)]


@pytest.mark.parametrize("off", [0.0, 1e-8, 5e-7, 2e-6, 1e-3])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_program_may_differ_in_its_last_digits(off: float, scale: float) -> None:
    def work(self: Any, x: Any) -> Any:
        return x[1] * (scale if isinstance(x[0], Value) else scale * (1 + off))

    rows = [[1.0, 1.0 + i] for i in range(20)]
    assert (outputs(Custom(work), rows) is None) == (off > 1e-6)


@pytest.mark.parametrize("off", [0.0, 5e-10, 2e-9, 1e-3])
def test_a_program_may_differ_by_next_to_nothing_at_0(off: float) -> None:
    def work(self: Any, x: Any) -> Any:
        return x[1] * 0.0 if isinstance(x[0], Value) else x[1] * 0.0 + off

    assert (outputs(Custom(work), [[1.0, 1.0]] * 20) is None) == (off > 1e-9)


def test_one_row_that_differs_is_enough() -> None:
    def work(self: Any, x: Any) -> Any:
        return [x[1], x[1] + (0.0 if isinstance(x[0], Value) else x[0] == 7.0)]

    rows = [[float(i), 1.0] for i in range(COMPARED)]
    assert outputs(Custom(work), rows) is None
    assert outputs(Custom(work), rows[:7]) is not None


def test_rows_without_a_number_have_none_on_both_sides() -> None:
    rows = [[1.0, math.nan]] * 20
    with numeric_mode("ieee"):
        assert np.isnan(outputs(Custom(lambda self, x: x[1] * 2.0), rows)).all()


# --- what is kept
def recorded(nodes: int) -> Any:
    return [SimpleNamespace(stats=SimpleNamespace(nodes=nodes))], ()


def test_the_programs_asked_for_last_are_kept_while_there_is_room() -> None:
    assert (programs.MOST, programs.EACH) == (1_000_000, 16_000)
    size = 484_000  # of two there are a million exactly
    made: list[str] = []

    def ask(key: str, nodes: int = size) -> Any:
        return kept(key, lambda: made.append(key) or recorded(nodes))

    first = ask("a")
    assert (ask("a") is first, made) == (True, ["a"])
    ask("b")
    ask("a")
    assert [*programs._kept] == ["b", "a"]
    ask("c", size + 1)  # which is one too much beside any other of them
    assert [*programs._kept] == ["c"]
    ask("d", size)
    assert [*programs._kept] == ["d"]
    large = ask("e", 10 * programs.MOST)  # it is kept alone
    assert (ask("e") is large, [*programs._kept]) == (True, ["e"])
    small = [ask(str(k), 4_000) for k in range(60)]
    assert [*programs._kept] == [str(k) for k in range(10, 60)]
    assert small[-1] is ask("59")


def test_what_decides_about_a_program_is_its_key() -> None:
    def key(model: Any) -> Any:
        found = known_architecture(model)
        assert found is not None
        assert found[2] == [*model.parameters()]
        return found[0]

    models = [MLP(2, [3, 1], "tanh", rng=1), MLP(2, [3, 1], "relu", rng=1), MLP(2, [3, 2], rng=1),
              MLP(3, [3, 1], "tanh", rng=1), MLP(2, [3, 1], "tanh", "sigmoid", rng=1),
              Layer(2, 3, "tanh", rng=1), Neuron(2, "tanh", rng=1), MLP(2, [3], rng=1)]  # fmt: skip
    keys = [key(model) for model in models]
    for (i, a), (j, b) in itertools.product(enumerate(keys), repeat=2):
        assert (a == b) == (i == j)
    assert key(MLP(2, [3, 1], "tanh", rng=9)) == keys[0]
    assert known_architecture(Custom(lambda self, x: x)) is None
