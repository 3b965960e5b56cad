"""The rows of a loop of one's own, found among the variables of whoever asks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from engine.explain.causes import entry
from engine.explain.facts import Facts as Graph
from engine.explain.report import Cause
from nn.checks import alone, as_list, as_number
from nn.doctor import loop_layers
from nn.doctor.fit_causes import CAUSES
from nn.doctor.loop_layers import inputs
from nn.doctor.symptoms import Symptoms
from nn.doctor.trials import ROWS, chosen, classes_in
from nn.models.layers import Layer

NAMES = """constant_labels class_missing labels_off_by_one imbalanced shuffled_labels noisy_labels
    leaking_column constant_columns duplicated_columns duplicated_rows"""
LEAST = 12  # rows
LOOPS = loop_layers.CAUSES


class LoopRows(Symptoms):
    """What the rows of a loop tell: as much of Symptoms as the causes in NAMES ask for."""

    def __init__(self, graph: Graph, xs: Sequence[Any], ys: Sequence[Any]) -> None:
        self.graph: Graph = graph
        ops = {str(node.op) for node in graph.nodes}
        scores = any("log" in op for op in ops)
        classes = classes_in(ys, scores)
        self.begun: Any = SimpleNamespace(xs=xs, ys=ys, classes=classes, model=graph.model)
        self.start: Any = SimpleNamespace(place=graph.loss_at or graph.place)
        data = SimpleNamespace(classes=None, given=SimpleNamespace(columns=()))
        self.task: Any = SimpleNamespace(data=data)
        self.scored: bool = scores and bool(classes)
        self.several: bool = any("softmax" in op for op in ops)

    @property
    def loss(self) -> str:
        """The name of the loss, as far as the rows' causes ask."""
        return "cross_entropy" if self.several else ""

    @property
    def classifies(self) -> bool:
        """Whether the loss is one of classification."""
        return self.scored

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers of the model."""
        return self.every

    @cached_property
    def hopeless(self) -> bool:
        """Whether the loss has not fallen far."""
        return self.graph.fell < 0.9


@entry(LOOPS, "rows")
def _rows(facts: Graph) -> Iterator[Cause]:
    """What the samples and the targets of the loop tell, if they are found among variables."""
    inner, outer = facts.frame.f_locals, facts.frame.f_globals
    found = rows_of(facts, inner | {k: v for k, v in outer.items() if k not in inner})
    if found is not None:
        known = LoopRows(facts, *found)
        suspicions = [(name, each) for name in NAMES.split() for each in CAUSES[name](known)]
        yield from (replace(each.cause, name=name) for name, each in suspicions if each.certain)


def rows_of(graph: Graph, names: Mapping[str, Any]) -> tuple[list[Any], list[float]] | None:
    """The samples that the last batch was taken from, and their targets."""
    batch, wanted = {*inputs(graph)}, Counter(target for _, target in graph.targets)
    lists = [x for x in names.values() if _is_list(x)] if batch and wanted else []
    for xs in lists:
        if alone(xs[0]) or len(as_list(xs[0])) != len(next(iter(batch))):
            continue
        rows = [tuple(map(as_number, as_list(x))) for x in xs]
        for ys in lists if batch <= {*rows} else ():
            if len(ys) == len(xs) and alone(ys[0]):
                targets = [*map(as_number, ys)]
                theirs = Counter(t for row, t in zip(rows, targets, strict=True) if row in batch)
                if wanted == theirs or (wanted <= theirs and len({*rows}) < len(rows)):
                    some = chosen(len(rows), ROWS)
                    return [rows[i] for i in some], [targets[i] for i in some]
    return None


def _is_list(thing: Any) -> bool:
    kind = isinstance(thing, list | tuple) or type(thing).__name__ == "ndarray"
    return kind and getattr(thing, "ndim", 1) > 0 and len(thing) >= LEAST
