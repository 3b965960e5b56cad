"""A model as a table: every parameter is counted once, whatever the model is made of."""

import sys
from typing import Any

import pytest

from engine import Value
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
    monkeypatch.setitem(sys.modules, "nn.drawing", None)  # type: ignore[arg-type]
    html = summary.html(MLP(2, [3, 1]))
    assert html.startswith("<table>")
