"""The workloads themselves, without the peers: shapes, orders, graphs, the row of a table."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import Value
from tests.benchmarks import __main__ as command
from tests.benchmarks import gpt, moons
from tests.benchmarks.harness import Contender, Effort, check_equal
from tests.benchmarks.native import NATIVE, bounds, layers, makemore, transformer, wild_graph
from tests.benchmarks.native.compilers import scalar_moons
from tests.benchmarks.native.networks import DIGITS, MNIST, MOONS, Batch, Network, matrices
from tests.benchmarks.native.plot import SIZES, Point, draw
from tests.benchmarks.native.steps import flat, recorded
from tests.benchmarks.native.training import gradwalk
from tests.benchmarks.native.wild import compile_row
from tests.benchmarks.native.wild_graph import FUNCTIONS, INPUTS, OPERATORS, follow, wild
from tests.benchmarks.systems import CPP, GRADWALK, JAX

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="no g++: apt-get install g++"
)


@pytest.mark.parametrize(("network", "size"), [(MOONS, 337), (DIGITS, 2410), (MNIST, 101_770)])
def test_matrices_hold_every_parameter_in_its_order(network: Network, size: int) -> None:
    theta = np.arange(float(size))
    layers = matrices(network.widths, theta)
    assert flat(layers) == theta.tolist()
    assert [w.shape for w, _ in layers] == list(
        zip(network.widths[1:], network.widths[:-1], strict=True)
    )
    assert network.flops(100) == 6 * size * 100
    assert network.idle_flops(1) == 2 * layers[0][0].size


def test_data_has_the_shape_of_its_network() -> None:
    for network, classes in ((MOONS, None), (DIGITS, 10), (MNIST, 10)):
        batch = network.data(50)
        assert batch.rows().shape == (50, network.widths[0] + 1)
        assert batch.rows().flags.c_contiguous
        if classes:
            assert set(batch.ys) <= set(range(classes))
    letters = makemore.data(50)
    assert letters.shape == (50, 17)
    assert set(letters.ravel()) <= set(range(27))


def test_the_recorded_graph_is_the_loss_and_gradients_of_a_row() -> None:
    graph = recorded(MOONS)
    assert [x.label for x in graph["inputs"]] == ["x0", "x1", "y"]
    assert len(graph["parameters"]) == 337
    eager = moons.gradwalk_step([([0.0, 0.0], 0.0)])
    outputs = [output.data for output in graph["outputs"]]
    check_equal(eager, Contender("recorded", lambda: None, lambda: outputs))


def test_the_program_of_a_gpt_is_the_loss_and_gradients_of_its_rows() -> None:
    rows = transformer.data(3, 2)
    ours = transformer.gradwalk(transformer.recorded(2), rows)
    net = gpt.parameters(Value, 2)
    loss = sum(gpt.loss_of(net, [int(token) for token in row]) for row in rows) / len(rows)
    loss.backward()
    eager = [loss.data, *(p.grad for matrix in net.values() for row in matrix for p in row)]
    check_equal(ours, Contender("eager", lambda: None, lambda: eager))


def test_instructions_are_counted_as_those_of_a_row() -> None:
    xs, w = engine.inputs(*"abcd"), [Value(0.1 * k) for k in range(32)]
    sums = [sum(a * x for a, x in zip(w[k:], xs, strict=False)) for k in range(0, 32, 4)]
    step = engine.Program(xs, [s + 1.0 for s in sums], parameters=w)
    assert bounds.instructions(step) == 32 + 8  # multiply-adds, additions


@needs_compiler
def test_cpp_agrees_with_the_engine() -> None:
    data = moons.rows(5)
    batch = Batch(np.array([x for x, _ in data]), np.array([y for _, y in data]))
    check_equal(moons.gradwalk_step(data), scalar_moons(batch))


def test_a_share_of_the_peak_counts_what_is_needed_and_what_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kernel(flops: float) -> tuple[Contender, float]:
        return Contender("peak", lambda: None, lambda: [0.0]), flops / 2

    monkeypatch.setattr(layers, "multiply_adds", kernel)
    monkeypatch.setattr(layers, "_shares", lambda peak, ours: [0.2, 0.4, 0.5])
    ours = Contender(GRADWALK, lambda: None, lambda: [0.0])
    effort = Effort(rounds=3, fewest=3, at_least=1e-6)
    row = layers.share_of_peak(MNIST, 64, ours, effort, 0.6)
    assert row.figure == "**80%** (40% to 100%; 54% without gradients of inputs)"
    assert row.target == "≥ 60%: ok"


def test_one_epoch_of_fit_is_one_step_down_the_gradient() -> None:
    data = moons.rows(4)
    batch = Batch(np.array([x for x, _ in data]), np.array([y for _, y in data]))
    _, *gradients = moons.gradwalk_step(data).answer()
    training = gradwalk(batch)
    training.train(1)
    assert training.parameters() == pytest.approx(
        MOONS.theta() - moons.RATE * np.array(gradients), rel=1e-14
    )


def test_a_wild_graph_has_its_size_its_mix_and_no_loose_ends() -> None:
    graph = wild(3000)
    assert graph == wild(3000)
    assert len(graph) == 3000
    uses = [0] * (INPUTS + 3000)
    for at, (name, operands) in enumerate(graph, start=INPUTS):
        assert len(operands) == (2 if name in OPERATORS else 1)
        for i in operands:
            assert i < at
            uses[i] += 1
    assert all(uses[:-1])
    assert uses[-1] == 0
    assert sum(n > 1 for n in uses) > 500  # sharing
    names = [name for name, _ in graph]
    assert min(names.count(name) for name in (*OPERATORS, *FUNCTIONS)) > 100


@pytest.mark.parametrize("corner", [-2.0, 0.0, 2.0])
def test_a_wild_graph_stays_finite_in_its_whole_box(corner: float) -> None:
    assert wild_graph.BOX == (-2.0, 2.0)
    xs = [Value(corner) for _ in range(INPUTS)]
    value = follow(wild(2000), xs, {name: getattr(engine, name) for name in FUNCTIONS})
    value.backward()
    assert np.isfinite([value.data, *(x.grad for x in xs)]).all()
    assert any(x.grad for x in xs)


def test_a_compiler_that_ran_out_of_time_says_so() -> None:
    row = compile_row(0.5, 5.0, in_time=True)
    assert (row.theirs, row.figure, row.target) == (
        "CasADi's C 5.00 s",
        "**10x**",
        "≥ 20x: short",
    )
    row = compile_row(0.5, 300.0, in_time=False)
    assert (row.theirs, row.figure, row.target) == (
        "CasADi's C over 300 s",
        "**> 600x**",
        "≥ 20x: ok",
    )


def test_the_same_numbers_make_the_same_picture(tmp_path: Path) -> None:
    points = [Point(n, {JAX: [9.0, 8.0, 7.0], CPP: [2.0, 2.0 + n, 3.0]}) for n in SIZES]
    for name in "ab":
        draw(points, tmp_path / name)
    text = (tmp_path / "a").read_text(encoding="utf-8")
    assert (tmp_path / "b").read_text(encoding="utf-8") == text
    assert f">{JAX}<" in text
    assert f">{CPP}<" in text
    assert "1,000" in text
    draw([*points[:-1], Point(7000, points[-1].ratios)], tmp_path / "b")
    assert (tmp_path / "b").read_text(encoding="utf-8") != text


def test_native_stands_for_every_workload_of_the_compiler(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    for name in NATIVE:
        monkeypatch.setitem(
            command.WORKLOADS, name, lambda effort, name=name: asked.append(name) or []
        )
    monkeypatch.setattr(sys, "argv", ["benchmarks", "native", "--quick"])
    command.main()
    assert asked == list(NATIVE)
    assert "Medians of 3 to 9 rounds" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nativ"])
    with pytest.raises(SystemExit):
        command.main()
    assert "no workload is called nativ" in capsys.readouterr().err
