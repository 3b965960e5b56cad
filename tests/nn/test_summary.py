"""A model as a table: every parameter is counted once, whatever the model is made of."""

import sys
from collections import deque
from typing import Any

import pytest

from engine import Value
from engine.wording import markup
from nn import MLP, BatchNorm, Dropout, Layer, Module, Neuron, Sequential, summary


class Own(Module):
    """Lists of lists, layers in containers, a shared layer, and a module that holds its parent."""

    def __init__(self) -> None:
        self.table = [[Value(float(i)) for i in range(3)] for _ in range(2)]
        self.blocks: dict[str, Any] = {"first": Layer(2, 3), "rest": [Neuron(3)]}
        self.again, self.parent = self.blocks["first"], self
        self.none = Dropout(0.5)


MODELS = [
    MLP(2, [4, 1]),
    Layer(2, 3),
    Neuron(2),
    Module(),
    Own(),
    Sequential(Layer(2, 3), BatchNorm(3), Dropout(0.1), Layer(3, 1)),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_rows_add_up_to_all_parameters(model: Module) -> None:
    head, *rows = [line.split("  ") for line in str(model).splitlines()]
    assert head[0] == "layer"
    counts = [int(row[-1]) for row in rows]
    assert sum(counts[:-1] or counts) == counts[-1] == len(model.parameters())
    html = model._repr_html_()
    assert html.count("<tr>") == len(rows) + 1
    assert html.count("<img") == (type(model) not in (Module, Own))


def test_layers_have_paths_shapes_and_what_is_frozen() -> None:
    own = Own()
    own.blocks["first"].requires_grad_(False)
    rows = [line.split() for line in str(own).splitlines()]
    assert rows[1] == ["Own", "Own", "table", "2", "x", "3", "6"]
    assert rows[2] == ["blocks.first", "Layer", "2", "->", "3", "relu", "9,", "frozen"]
    assert [row[0] for row in rows[3:]] == ["blocks.rest.0", "none", "total"]
    assert "L0" not in str(MLP(2, [1]))  # the paths are those of named_parameters()


def test_without_matplotlib_there_is_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nn.drawing", None)
    html = summary.html(MLP(2, [3, 1]))
    assert html.startswith("<table>")


class Tensors(Module):
    """Values in every kind of list, and what is no list of them."""

    def __init__(self) -> None:
        self.table = [[Value(float(i)) for i in range(3)] for _ in range(2)]
        self.cube = [[[Value(1.0)] * 2] * 3] * 4
        self.ragged = [[Value(1.0)], [Value(1.0), Value(2.0)]]
        self.mixed = [Value(1.0), [Value(2.0)]]
        self.row, self.one = (Value(1.0), Value(2.0)), Value(3.0)
        self.q = deque([Value(1.0)])
        self.half = [Value(1.0), 2.0]
        self.nothing: list[Any] = []
        self.words, self.name = ["a"], "n"


class Deep(Module):
    def __init__(self) -> None:
        self.n = Neuron(2, "tanh")


class Gain(Module):
    """A parameter of its own beside modules, in a list and in a dict."""

    def __init__(self) -> None:
        self.gain = Value(1.0)
        self.layers = [Layer(2, 3), Dropout(0.1)]
        self.deep = {"a": Deep()}


def frozen(model: Any, *layers: int) -> Any:
    for i in layers:
        model.layers[i].requires_grad_(False)
    return model


TABLES: list[tuple[Module, str]] = [
    (Layer(40, 30, "tanh"), """
layer  kind   shape     activation  parameters
Layer  Layer  40 -> 30  tanh             1,230
"""),
    (Neuron(4, "silu"), """
layer   kind    shape   activation  parameters
Neuron  Neuron  4 -> 1  silu                 5
"""),
    (Module(), """
layer   kind    shape  activation  parameters
Module  Module                              0
"""),
    (Dropout(0.5), """
layer    kind     shape  activation  parameters
Dropout  Dropout                              0
"""),
    (BatchNorm(3), """
layer      kind       shape   activation  parameters
BatchNorm  BatchNorm  3 -> 3  linear               6
"""),
    (Tensors(), """
layer    kind     shape                                                    activation  parameters
Tensors  Tensors  table 2 x 3, cube 4 x 3 x 2, mixed 2, row 2, one 1, q 1                      17
"""),
    (Gain(), """
layer     kind     shape   activation  parameters
Gain      Gain     gain 1                       1
layers.0  Layer    2 -> 3  relu                 9
layers.1  Dropout                               0
deep.a.n  Neuron   2 -> 1  tanh                 3
total                                          13
"""),
    (Sequential(Layer(2, 3), BatchNorm(3, activation="relu"), Dropout(0.1), MLP(3, [2, 1])), """
layer     kind       shape   activation  parameters
layers.0  Layer      2 -> 3  relu                 9
layers.1  BatchNorm  3 -> 3  relu                 6
layers.2  Dropout                                 0
layers.3  Layer      3 -> 2  relu                 8
layers.4  Layer      2 -> 1  linear               3
total                                            26
"""),
    (frozen(MLP(2, [3, 1]), 0), """
layer     kind   shape   activation  parameters
layers.0  Layer  2 -> 3  relu         9, frozen
layers.1  Layer  3 -> 1  linear               4
total                                        13
"""),
    (frozen(MLP(2, [2, 1]), 0, 1), """
layer     kind   shape   activation  parameters
layers.0  Layer  2 -> 2  relu         6, frozen
layers.1  Layer  2 -> 1  linear       3, frozen
total                                         9
"""),
    (Dropout(0.5).requires_grad_(False), """
layer    kind     shape  activation  parameters
Dropout  Dropout                              0
"""),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(TABLES)))
def test_a_table_is_as_it_was_looked_at(case: int) -> None:
    model, wanted = TABLES[case]
    assert summary.text(model) == wanted.strip("\n")
    rows = [line.split() for line in wanted.strip("\n").splitlines()]
    html = summary.html(model)
    assert html.count('text-align: right; padding: 0.2em 0.6em">') == len(rows)
    assert html.count(f'text-align: right; padding: 0.2em 0.6em">{rows[-1][-1]}</td>') >= 1
    picture, _, table = html.partition("<table>")
    assert table.count("</tr>") == len(rows)
    assert "onload" not in picture  # it stays an image
    if picture:
        assert picture.startswith(f'<img alt="the network {markup.escape(repr(model))}" style=')
