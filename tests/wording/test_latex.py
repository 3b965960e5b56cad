"""LaTeX is read back by a parser that knows the rules of mathematics and nothing of the engine."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, gradient, numeric_mode, operation
from engine.core import ops
from engine.core.operation import TABLE, Operation
from engine.wording.latex import latex
from engine.wording.notation import PLAIN, Term
from tests.core.programs import OPERATIONS, Program, programs

FUNCTIONS = {
    r"\sigma'": "sigmoid_slope",
    r"\sigma": "sigmoid",
    r"\max": "maximum",
    r"\min": "minimum",
    r"\Phi": "normal_cdf",
    r"\varphi": "normal_pdf",
    r"\operatorname{sech}^2": "sech2",
    r"\partial\operatorname{pow}": "power_partial",
}
NAME = r"(?:\\mathrm\{(?:\\.|[^{}\\])*\}|[a-z])(?:_\{[^{}]*\})?"
TOKEN = re.compile(
    r"\s*(\\operatorname\{[^{}]*\}(?:\^2)?|\\partial\\operatorname\{pow\}|\\sigma'?|\\left\||\\right\||"
    + NAME
    + r"|\\[a-zA-Z]+|\d+\.?\d*|\S)"
)


class Reader:
    """Recursive descent: sum, product, power, atom. A minus is only read where a sum begins."""

    def __init__(self, text: str, names: dict[str, float]) -> None:
        text = text.replace(r"\left(", "(").replace(r"\right)", ")")
        self.tokens = TOKEN.findall(text)
        self.names = names

    def take(self, expected: str = "") -> str:
        token: str = self.tokens.pop(0)
        assert not expected or token == expected, (token, expected, self.tokens)
        return token

    def next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def all(self) -> float:
        value = self.sum()
        assert not self.tokens
        return value

    def sum(self) -> float:
        sign = -1.0 if self.next() == "-" and self.take() else 1.0
        value = sign * self.product()
        while self.next() in ("+", "-"):
            value += self.product() if self.take() == "+" else -self.product()
        return value

    def product(self) -> float:
        value = self.power()
        while self.next() == r"\cdot":
            self.take()
            value *= self.power()
        return value

    def power(self) -> float:
        base = self.atom()
        if self.next() != "^":
            return base
        self.take()
        exponent = self.group() if self.next() == "{" else float(self.take())
        assert self.next() != "^"  # a double superscript is an error in TeX
        return base**exponent

    def group(self, opening: str = "{", closing: str = "}") -> float:
        self.take(opening)
        value = self.sum()
        self.take(closing)
        return value

    def atom(self) -> float:
        token = self.next()
        if token == "{":
            return self.group()
        if token == "(":
            return self.group("(", ")")
        if token == r"\left|":
            return abs(self.group(r"\left|", r"\right|"))
        self.take()
        if token == "[":
            left, sign, right = self.sum(), self.take(), self.sum()
            self.take("]")
            return float(left > right if sign == ">" else left == right)
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return math.sqrt(self.group())
        if token == r"\infty":
            return math.inf
        if token[0].isdigit():
            return float(token)
        if token in self.names:
            return self.names[token]
        name = FUNCTIONS.get(token) or token.removeprefix(r"\operatorname{").strip("\\}")
        return TABLE[name.replace(r"\_", "_")].function(*self.arguments())

    def arguments(self) -> list[float]:
        self.take("(")
        found = [self.sum()]
        while self.next() == ",":
            self.take()
            found.append(self.sum())
        self.take(")")
        return found


def read(text: str, names: dict[str, float]) -> float:
    """The number that a formula stands for: of several lines the first, with the others in it."""
    body = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    known = {"e": math.e, **names}
    value = math.nan
    for line in reversed(body.split(" \\\\\n")):
        called = re.match(rf"({NAME}) &?= ", line)
        value = Reader(line[called.end() if called else 0 :].removeprefix("& "), known).all()
        if called:
            known[called[1]] = value
    return value


def labelled(program: Program) -> tuple[list[Value], dict[str, float]]:
    leaves = [Value(x, f"x{i}") for i, x in enumerate(program.leaves)]
    return program.run(leaves), {f"x_{{{i}}}": x for i, x in enumerate(program.leaves)}


@given(programs([*OPERATIONS]), st.sampled_from([20, 100, 10_000]))
def test_the_formula_of_any_program_evaluates_to_its_value(program: Program, width: int) -> None:
    nodes, names = labelled(program)
    text = latex(nodes[-1], width=width, limit=10**7)
    assert read(text, names) == pytest.approx(nodes[-1].data, rel=1e-9, abs=1e-9)


# (whose derivatives hold constants that are shown to four digits are left out)
@given(programs([n for n in OPERATIONS if n not in ("gelu_tanh", "exponential")], steps=5))
def test_so_does_the_formula_of_its_gradient(program: Program) -> None:
    nodes, names = labelled(program)
    slope = gradient(nodes[-1], nodes[0])
    read_back = read(latex(slope, limit=10**7), names)
    assert read_back == pytest.approx(slope.data, rel=1e-6, abs=1e-6)


def in_signs(value: Value) -> str:
    terms: dict[Value, Term] = {}
    for node in engine.topological(value):
        if node.op is not None and node.parents:
            terms[node] = PLAIN.apply(node.op, [terms[p] for p in node.parents])
        else:
            terms[node] = Term(node.label, PLAIN) if node.label else PLAIN.value(node.data)
    return terms[value].text


@given(programs([name for name in OPERATIONS if name != "abs"], steps=6))
def test_in_plain_signs_it_is_an_expression_of_python(program: Program) -> None:
    nodes, _ = labelled(program)
    names = {f"x{i}": x for i, x in enumerate(program.leaves)}
    rows = {name: row.function for name, row in TABLE.items()}
    text = in_signs(nodes[-1]).replace("×", "*")
    found = eval(text, {"__builtins__": {}}, {**rows, **names})
    assert found == pytest.approx(nodes[-1].data, rel=1e-12, abs=1e-12)


a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(5.0, "c")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (lambda: a + b - c, "a + b - c"),
        (lambda: a - (b - c), "a - (b - c)"),
        (lambda: (a + b) * c, r"(a + b) \cdot c"),
        (lambda: a * b * c, r"a \cdot b \cdot c"),
        (lambda: -a * b, r"-a \cdot b"),
        (lambda: a * -b, r"a \cdot (-b)"),
        (lambda: (-a) ** 2, "(-a)^{2}"),
        (lambda: -(a**2), "-a^{2}"),
        (lambda: a ** (b + c), "a^{b + c}"),
        (lambda: (a / b) ** 2, r"\left(\frac{a}{b}\right)^{2}"),
        (lambda: (a + b) / (a - c), r"\frac{a + b}{a - c}"),
        (lambda: engine.tanh(a + b) * c, r"\tanh(a + b) \cdot c"),
        (lambda: engine.exp(a + b) ** 2, r"\left(e^{a + b}\right)^{2}"),
        (lambda: engine.sqrt(a + b), r"\sqrt{a + b}"),
        (lambda: engine.hypot(a, b + c), r"\sqrt{a^2 + (b + c)^2}"),
        (lambda: engine.log1p(a * b), r"\log(1 + a \cdot b)"),
        (lambda: engine.maximum(a, b, -1.0), r"\max(a, b, -1)"),
        (lambda: engine.dot([a, b], [b, c], 2.0), r"a \cdot b + b \cdot c + 2"),
        (lambda: engine.sum([a, b + c]), "a + (b + c)"),
        (lambda: a * 1e-6, r"a \cdot 10^{-6}"),
        (lambda: a * -2.5e20, r"a \cdot \left(-2.5 \cdot 10^{20}\right)"),
        (lambda: engine.prod([a, b + c, -1.0]), r"a \cdot (b + c) \cdot (-1)"),
        (lambda: engine.mean([a, b + c]), r"\operatorname{mean}(a, b + c)"),
        (lambda: engine.var([a, b + c]), r"\operatorname{var}_{1}(a, b + c)"),
        (lambda: engine.std([a, b], 0) ** 2, r"(\operatorname{std}_{0}(a, b))^{2}"),
        (lambda: engine.norm([a, b]) * c, r"\left\|(a, b)\right\| \cdot c"),
        (lambda: engine.square(a + b) ** 2, r"\left((a + b)^{2}\right)^{2}"),
        (lambda: a.leaky_relu(0.1), r"\operatorname{leaky\_relu}(a, 0.1)"),
    ],
)
def test_no_parentheses_but_those_that_are_needed(value: Callable[[], Value], shown: str) -> None:
    assert latex(value()) == shown


@pytest.mark.parametrize(
    ("tex", "inner", "outer"),
    [
        ("{0}^3", "(a + b)^3", r"a^3 \cdot b"),
        ("{{{0}}}^3", "{(a + b)}^3", r"{a}^3 \cdot b"),
        (
            r"\operatorname{{cube}}",
            r"\operatorname{cube}(a + b)",
            r"\operatorname{cube}(a) \cdot b",
        ),
        ("{0} + 0", "a + b + 0", r"(a + 0) \cdot b"),
        (r"2 {0}", "2 (a + b)", r"2 (a) \cdot b"),
        ("", r"\operatorname{test\_cube}(a + b)", r"\operatorname{test\_cube}(a) \cdot b"),
    ],
)
def test_an_operation_of_ones_own_gets_parentheses_by_its_template(
    tex: str, inner: str, outer: str
) -> None:
    op = operation("test_cube", lambda x: x**3, lambda y, x: 3 * x**2, tex=tex)
    texts = [latex(op(a + b)), latex(op(a) * b)]  # in an assert, pytest gives names to all parts
    assert texts == [inner, outer]


def test_a_template_that_does_not_fit_is_an_error_that_says_how_to_write_one() -> None:
    for tex in ("{0}{1}", r"\frac{0}{2}{0}", "{0}^{x}"):
        op = operation("test_cube", lambda x: x**3, lambda y, x: 3 * x**2, tex=tex)
        with pytest.raises(ValueError, match=r"the tex of test_cube is .* double the braces"):
            latex(op(a))


LABELS = {
    "w": "w",
    "w1": "w_{1}",
    "w_1": "w_{1}",
    "w_ij": r"w_{\mathrm{ij}}",
    "alpha": r"\alpha",
    "sigma2": r"\sigma_{2}",
    "loss": r"\mathrm{loss}",
    "L0.N1.w2": r"\mathrm{L0.N1.w2}",
    "$x$": r"\mathrm{\$x\$}",
    "a_b_c d": r"\mathrm{a\_b\_c\ d}",
    "}{\\input{x}": r"\mathrm{\}\{\backslash input\{x\}}",
    "50%": r"\mathrm{50\%}",
    "<b>&lt;": r"\mathrm{<{}b>{}\&{}lt;}",
    "x\ny": r"\mathrm{x\backslash ny}",
    "a^b~": r"\mathrm{a\wedge b\sim }",
}


@pytest.mark.parametrize(("label", "shown"), LABELS.items(), ids=map(repr, LABELS))
def test_a_label_is_a_name_whatever_it_holds(label: str, shown: str) -> None:
    assert latex(Value(1.0, label)) == shown


@given(st.text(max_size=20))
def test_no_label_opens_a_brace_a_tag_or_mathematics(label: str) -> None:
    assert_harmless(latex(Value(1.0, label) * 2))


def assert_harmless(formula: str) -> None:
    text = re.sub(r"\\[{}$%#&_\\]", "", formula)
    assert text.count("{") == text.count("}")
    assert not re.search(r"[$%#]|<[a-z/!]|&[a-z#]", text, re.IGNORECASE)
    assert all(line.isprintable() for line in text.split("\n"))


@given(name=st.text(min_size=1, max_size=8))
def test_nor_does_the_name_of_an_operation(name: str) -> None:
    if name in TABLE or not name.isprintable():
        return
    own = operation(name, lambda x, y: x * y, lambda y, a, b: (b, a))
    formula = str(latex(own(Value(2.0, "a"), Value(3.0, "b"))))
    assert_harmless(formula)
    assert formula.startswith(r"\operatorname{")
    assert formula.endswith("(a, b)")


def test_two_values_never_share_a_name() -> None:
    twins = [Value(1.0, "w"), Value(1.0, "w"), Value(1.0, "w1"), Value(1.0, "w_1")]
    text = latex(engine.dot(twins, [*twins[1:], 1.0]))
    assert text == (r"w_{\#2} \cdot w + w \cdot w_{1 \#2} + w_{1 \#2} \cdot w_{1} + w_{1} \cdot 1")


def test_what_has_a_name_is_used_twice_or_is_long_gets_a_line() -> None:
    def build() -> Value:
        n = a * b + c
        n.label = "n"
        return n.tanh() ** 2 + n

    assert latex(build()).splitlines() == [
        r"\begin{aligned}",
        r"& (\tanh(n))^{2} + n \\",
        r"n &= a \cdot b + c",
        r"\end{aligned}",
    ]
    text = latex((lambda shared: shared * shared)((a * b + c * c - a).exp()))
    assert text.splitlines()[1:3] == [
        r"& u_{1} \cdot u_{1} \\",
        r"u_{1} &= e^{a \cdot b + c \cdot c - a}",
    ]


def test_with_numbers_each_line_ends_in_its_result() -> None:
    texts = [latex((a * b) ** 2 + 1 / a, numbers=True), latex((a / b).exp(), numbers=True)]
    assert texts == [
        r"(2 \cdot 3)^{2} + \frac{1}{2} = 36.5",
        r"e^{\frac{2}{3}} \approx 1.948",
    ]


def test_sharing_makes_lines_and_not_an_exponential_text() -> None:
    x = Value(0.5, "x")
    for _ in range(60):
        x = x * x + x / 3
    assert len(latex(x)) < 6000


def test_a_text_that_nobody_reads_is_an_error_that_says_what_to_do() -> None:
    x = Value(0.5, "x")
    for _ in range(100_000):
        x = x.sin()
    with pytest.raises(ValueError, match=r"100,001 values takes more than 10,000 .* limit=100000"):
        latex(x)
    with pytest.raises(TypeError, match=r"latex takes a Value, got float"):
        latex(3.0)  # type: ignore[arg-type]


def test_a_notebook_shows_it_as_mathematics() -> None:
    formula: Any = latex(a * b)
    assert repr(formula) == formula == r"a \cdot b"
    assert formula._repr_latex_() == r"$\displaystyle a \cdot b$"


def arity(row: Operation) -> int:
    for count in (1, 2, 3, 4):
        try:
            row.function(*[0.5] * count)
        except TypeError:
            continue
        return count
    raise AssertionError(row)


def test_every_row_can_be_drawn_by_matplotlib() -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="pip install matplotlib")
    parser = mathtext.MathTextParser("path")
    for row in {row for row in TABLE.values() if not row.own} - {ops.CONSTANT}:
        count = 3 if row.expand else 2 if row.name == "hypot" else arity(row)
        with numeric_mode("ieee"):
            text = latex(row(*[a / b, b * c, c, a][:count]))
        parser.parse(f"${text}$")
