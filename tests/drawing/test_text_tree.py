"""The tree in a terminal: read back line by line, and as a terminal of a given width would."""

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, topological
from engine.core.value import is_constant
from engine.drawing.text_tree import tree
from engine.wording.names import number, safe
from engine.wording.notation import locals_of
from engine.wording.terminal import Text, width
from tests.core.programs import OPERATIONS, Program, programs
from tests.drawing.test_picture import HOSTILE

INDENT = re.compile(r"^(?:│  |   )*(?:[├└]─ )?")


def rows(text: str) -> list[tuple[int, str, list[str]]]:
    """Of each line its level, what it is called, and its numbers."""
    found = []
    for line in text.splitlines()[1:]:
        lead = INDENT.match(line)
        assert lead
        about, *numbers = re.split(r"  +", line[lead.end() :])
        found.append((len(lead[0]) // 3, about, numbers))
    return found


def neuron() -> Value:
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    y = (x * w + b).tanh()
    y.backward()
    return y


def test_a_line_shows_name_operation_data_gradient_and_local_derivative() -> None:
    assert rows(tree(neuron())) == [
        (0, "y = tanh", ["0.4621", "1"]),
        (1, "(x * w + b)", ["0.5", "0.7864", "0.7864"]),
        (2, "(x * w)", ["-6", "0.7864", "1"]),
        (3, "x", ["2", "-2.359", "-3"]),
        (3, "w", ["-3", "1.573", "2"]),
        (2, "b", ["6.5", "0.7864", "1"]),
    ]


@given(programs([*OPERATIONS], steps=8))
def test_every_use_of_every_value_has_its_line(program: Program) -> None:
    root = program.values()[-1]
    root.backward()
    nodes = [node for node in topological(root) if node is root or not is_constant(node)]
    uses = [
        (number(parent.data), number(parent.grad), number(local))
        for node in nodes
        for parent, local in zip(node.parents, locals_of(node), strict=True)
        if local is not None and not is_constant(parent)
    ]
    found = [tuple(numbers) for _, _, numbers in rows(tree(root, depth=99, lines=9999))]
    assert sorted(found[1:]) == sorted(uses)
    assert found[0] == (number(root.data), number(root.grad))


@given(programs([*OPERATIONS], steps=8))
def test_where_the_tree_is_cut_it_says_how_many_values_are_below(program: Program) -> None:
    """Each is counted once, and numbers are no values; the count ends at a thousand."""
    root = program.values()[-1]
    below = sum(1 for node in topological(root) if not is_constant(node)) - 1
    said = re.search(r"… (\d+) values? below", tree(root, depth=0))
    assert int(said[1] if said else 0) == below


@pytest.mark.parametrize(
    ("many", "said"), [(1, "1 value"), (999, "999 values"), (1000, "more than 999 values")]
)
def test_values_below_are_counted_up_to_a_thousand(many: int, said: str) -> None:
    assert f"… {said} below" in tree(engine.sum([Value(1.0) for _ in range(many)]), depth=0)


def test_what_was_shown_is_referred_to_by_name() -> None:
    x = Value(3.0, "x")
    square = (lambda s: s * s + x)(x * 2)
    assert [about for _, about, _ in rows(tree(square))] == [
        "(s * s + x)",
        "(s * s)",
        "(x * 2)",
        "x",
        "↑ (x * 2)",
        "x",
    ]


def test_a_diamond_chain_takes_two_lines_a_value() -> None:
    x = Value(1.0, "x")
    for _ in range(60):
        x = x + x
    assert len(tree(x, depth=99).splitlines()) == 1 + 1 + 2 * 60


def test_depth_ends_with_a_count_of_what_is_below() -> None:
    y = neuron()
    assert [line.endswith("… 4 values below") for line in tree(y, depth=1).splitlines()] == [
        False,
        False,
        True,
    ]
    assert tree(y, depth=0).endswith("… 5 values below")
    assert "below" not in tree(y, depth=3)
    assert tree(-Value(1.0), depth=0).endswith("… 1 value below")


def test_lines_end_with_a_count_of_what_is_not_shown() -> None:
    total = engine.sum([Value(float(i)) for i in range(1000)])
    *shown, rest = tree(total, lines=10).splitlines()
    assert len(shown) == 11
    assert rest == "… 991 values are not shown; lines=20 shows more"
    assert len(tree(neuron(), lines=6).splitlines()) == 7  # nothing is left to say


def test_a_chain_of_100_000_shows_its_top() -> None:
    x = Value(1.0)
    for _ in range(100_000):
        x = -x
    assert len(tree(x).splitlines()) == 10
    assert tree(x).endswith("… more than 999 values below")
    assert tree(x, depth=10**6).endswith("… 99,801 values are not shown; lines=400 shows more")


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    y = neuron()
    plain = tree(y, color=False)
    coloured = tree(y, color=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain != coloured
    assert tree(y) == plain  # under pytest, stdout is no terminal
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert tree(y) == coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert tree(y) == plain


def test_colour_tells_kinds_apart_and_alarms() -> None:
    dead = Value(-1.0, "x").relu() * 3
    dead.backward()
    assert "\x1b[2m  " in tree(dead, color=True).splitlines()[-1]
    exploding = Value(1.0, "x") * 1e9
    exploding.backward()
    assert "\x1b[1;38;5;196m" in tree(exploding, color=True).splitlines()[-1]
    first = [
        re.findall(r"\x1b\[([\d;]+)m\w", line) for line in tree(neuron(), color=True).split("\n")
    ]
    assert first[1] != first[-1]


@pytest.mark.parametrize("label", [*HOSTILE, "\x1b[31mred\x1b]0;title\x07", "a\rb", "a\x08b", "\0"])
def test_no_label_breaks_a_line_or_talks_to_the_terminal(label: str) -> None:
    y = Value(1.0, label) * 2
    y.label = f"{label}!"
    lines = tree(y).split("\n")
    assert len(lines) == 3
    assert all(char.isprintable() or char == "\u200e" for line in lines for char in line)
    assert lines[2].startswith(f"└─ {safe(label)} ")


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=8))
def test_numbers_stay_in_their_columns_whatever_the_labels(labels: list[str]) -> None:
    lines = tree(engine.sum([Value(7.0, label) for label in labels])).split("\n")
    assert len(lines) == len(labels) + 2
    assert len({width(line) for line in lines}) <= 2  # the root has no local derivative
    assert max(map(width, lines)) < 80


def test_a_text_shows_itself(capsys: pytest.CaptureFixture[str]) -> None:
    text = tree(neuron())
    assert isinstance(text, Text)
    assert repr(text) == str(text) == text
    sys.displayhook(text)
    assert capsys.readouterr().out == text + "\n"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tree(3.0), "tree takes a Value, .* got float"),  # type: ignore[arg-type]
        (lambda: tree(Value(1.0), depth=-1), "depth is a whole number from 0 on, got -1"),
        (lambda: tree(Value(1.0), lines=0), "lines is a whole number from 1 on, got 0"),
        (lambda: tree(Value(1.0), depth=1.5), "depth is a whole number"),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments_are_errors_that_say_so(call: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_what_is_not_finite_is_shown_and_nothing_is_raised_or_changed() -> None:
    x = Value(0.0, "x")
    y = x.sqrt()
    before = [(n.data, n.grad) for n in topological(y)]
    assert rows(tree(y))[1] == (1, "x", ["0", "0", "inf"])
    assert [(n.data, n.grad) for n in topological(y)] == before
