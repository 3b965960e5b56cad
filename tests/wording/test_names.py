"""Names of nodes: short, harmless in a terminal, no two the same, and valid in Python."""

import ast
import keyword
import re

from hypothesis import given
from hypothesis import strategies as st

from engine import Value, topological
from engine import sum as sum_
from engine.wording.names import Names, identifiers, safe
from engine.wording.terminal import width

LABELS = [
    "w", "w", "w_2", "class", "None", "print", "Node", "inf", "shown", "self", "_", "match", "type",
    "__name__", "__builtins__", "__", "", " ", "1st", "a.b", "L0.N3.w2", "mul_1", "x" * 10_000,
    "π", "ﬁ", "fi", "x²", "①", "日本", "a\nb", "a\rimport os", "#", "'''", '"""', "\\", "a\x00b",
    "\ud800", "\u2028x", "\x0craise", "\u202edrow", "coding: utf-7", "; exit()", "{0}", "%s",
    "\x1b[2J",
]  # fmt: skip


@given(st.text(max_size=100))
def test_a_safe_label_is_short_printable_and_itself_where_it_can_be(label: str) -> None:
    shown = safe(label)
    assert width(shown) <= 41
    assert re.sub("[\u200c-\u200e]", "", shown).isprintable()
    if label.isascii() and label.isprintable() and len(label) <= 40:
        assert shown == label


@given(st.lists(st.sampled_from([None, "w", "w#2", "v1", "v1#2", "", "v2"]), max_size=12))
def test_no_two_values_have_one_name(labels: list[str | None]) -> None:
    names = Names()
    nodes = [Value(1.0, label) for label in labels] + [Value(1.0) * 2]
    called = [names.of(node) for node in nodes]
    assert len(set(called)) == len(nodes)
    assert [names.of(node) for node in nodes] == called


def test_right_to_left_words_do_not_turn_the_line_round() -> None:
    assert safe("\u05d0\u05d1") == "\u200e\u05d0\u05d1\u200e"


def test_names_are_identifiers_and_no_two_are_the_same() -> None:
    nodes = [Value(1.0, label) for label in LABELS]
    names = identifiers(nodes)
    assert len(set(names.values())) == len(nodes)
    for name in names.values():
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert len(name) < 60
        assert ast.parse(name, mode="eval").body.id == name  # type: ignore[attr-defined]
    assert names[nodes[0]] == "w"
    assert [names[node] for node in nodes[1:4]] == ["w_2", "w_2_2", "class_"]


def test_equal_names_are_numbered_as_the_source_has_them() -> None:
    w = Value(2.0, "w")
    loss = sum_([(w * x - 1.0) ** 2 for x in (1.0, 2.0, 3.0)])
    names = Names(topological(loss))
    assert [names.of(term) for term in loss.parents] == [
        "((w * x - 1.0) ** 2)",
        "((w * x - 1.0) ** 2)#2",
        "((w * x - 1.0) ** 2)#3",
    ]
    h = Value(1.0, "h")
    twice = h.relu().tanh() + h.relu()
    assert Names(topological(twice)).of(twice.parents[1]).endswith("#2")
