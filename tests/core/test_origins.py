"""The variable that a node went to: as the user wrote it, in each Python."""

import dis
import json
import linecache
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import Value, topological
from engine.core import origins
from tests.core.snippets import EVERY_PYTHON, execute, printed, spot

# Statements, and the names of what each operation in them made (- for none). Looked at are all
# nodes that `keep` is given, and all that are in variables in the end. A % ends a statement.
STATEMENTS = """\
a = x * w ; mul a  % a = b = x * w ; mul a  % a = o.c = b = x * w ; mul a
o.c = a = x * w ; mul c  % a, b = x * w, x + w ; mul a, add b  % (a, b) = x, -x ; neg b
a, b, c = x * w, x + w, x - w ; mul a, add b, sub c
a, b, c, d = x * w, x + w, x - w, x / w ; mul a, add b, sub c, div d
a, b, c, d, e = x * w, x + w, x - w, x / w, -x ; mul a, add b, sub c, div d, neg e
a, o.c = x * w, x + w ; mul a, add c  % o.c, a = x * w, x + w ; mul c, add a
a = (b := x * w) ; mul b  % keep(a := x * w) ; mul a  % if (a := x * w): pass ; mul a
while (a := x * w) and False: pass ; mul a
a = (b := x * w) + (c := x - w) ; mul b, sub c, add a  % x += w ; add x  % x *= 2.5 ; mul x
o.x = x; o.x -= w ; sub x  % o.o.c = x * w ; mul c  % a: object = x * w ; mul a
a = -(x * w) ; mul -, neg a  % a = x * w + x ; mul -, add a  % a = (x * w).tanh() ; mul -, tanh a
a = (x * w).leaky_relu(0.5) ; mul -, leaky_relu a
a = engine.dot([x * w], [x + w], bias=x - w) ; mul -, add -, sub -, dot a
a = x and x * w ; mul a  % a = Value(2.0); b = a * a ; mul b  % a = x * w; b = a ; mul a
Δθ = x * w; σ = x + w ; mul Δθ, add σ  % match x * w:|    case a: pass ; mul a
try: a = x * w|finally: b = x + w ; mul a, add b
try: 1 / 0|except ZeroDivisionError: a = x * w ; mul a  % with nothing(): a = x * w ; mul a
with nothing(x * w) as a: pass ; mul -  % for a in [x * w]: pass ; mul -
for i in range(3): a = x * w ; mul a  % a = [x * w]; keep(*a) ; mul -
a = (x * w,); keep(*a) ; mul -  % a = {'k': x * w}; keep(a['k']) ; mul -
a = [y * w for y in [x]]; keep(*a) ; mul -  % a = {1: x}; a[1] = x * w; keep(a[1]) ; mul -
a = {1: x}; a[1] *= w; keep(a[1]) ; mul -  % a = (x * w, x + w)[0] ; mul -
a = (lambda: x * w)() ; mul -  % a = keep(x * w) ; mul -  % keep(x * w).label = None ; mul -
a, b = engine.softmax([x, w]) ; softmax a/b  % o.c, a = engine.softmax([x, w]) ; softmax a/c
a = o.c = engine.softmax([x, w]); keep(*a) ; softmax a[0]/a[1]
*a, b = engine.softmax([x, w]) ; softmax -
a, *b = engine.softmax([x, w]); keep(*b) ; softmax -/a  % a, = engine.softmax([x]) ; softmax a
a, (b, c) = x * w, engine.log_softmax(xs=[x, w]) ; mul a, log_softmax b/c
o.c = keep(*engine.softmax([x, w])) ; softmax -  % a = engine.softmax([x, w])[1] ; softmax -
a = engine.softmax([x, w], 1) ; softmax a  % for a in engine.softmax([x, w]): pass ; softmax -
a = keep(x * w).data ; mul -  % a = x < keep(x * w) < w ; mul -  % a = f'{keep(x * w)}' ; mul -
a = not keep(x * w) ; mul -  % a = keep(x * w) is None ; mul -"""
CONTEXTS = {  # where a statement may stand
    "module": "{}\nkeep(*locals().values())",
    "class": "class K:\n    x, w = x, w\n    {}\n    keep(*locals().values())",
    "global": "def f():\n  global a, b, c, d, e, x, i, Δθ, σ\n  {}\nf(); keep(*locals().values())",
    "nonlocal": "def f(x, w):\n  a = b = c = d = e = i = Δθ = σ = None\n  def g():\n"
    "    nonlocal a, b, c, d, e, x, i, Δθ, σ\n    {}\n  g()\n  keep(*locals().values())\nf(x, w)",
    "generator": "def f(x, w):\n  {}\n  keep(*locals().values())\n  yield\nlist(f(x, w))",
    "async": "async def f(x, w):\n    {}\n    keep(*locals().values())\n"
    "try: f(x, w).send(None)\nexcept StopIteration: pass",
}
# Runs sources (as JSON on stdin) and tells what names the nodes of each operation have.
RUNNER = """
import contextlib, json, sys, engine
from engine import Value, topological
from engine.core import origins

def run(source):
    kept = []
    def keep(*things):
        kept.extend(thing for thing in things if isinstance(thing, Value))
        return things[0] if things else None
    o = type("O", (), {})(); o.o = o
    names = dict(x=Value(2.0), w=Value(3.0), keep=keep, o=o, Value=Value, engine=engine,
                 nothing=contextlib.nullcontext)
    exec(compile(source, "<statement>", "exec"), names)
    keep(*vars(o).values())
    found = {}
    for node in topological(*kept):
        if node.parents:
            found.setdefault(node.op.name, set()).add(origins.name_of(node) or "-")
    return {op: "/".join(sorted(names)) for op, names in found.items()}

json.dump([run(source) for source in json.load(sys.stdin)], sys.stdout)
"""


def names_of(python: str, sources: list[str]) -> Any:
    return json.loads(printed(python, "-c", RUNNER, given=json.dumps(sources)))


@EVERY_PYTHON
def test_a_node_is_called_by_the_variable_it_first_went_to_wherever_the_statement_stands(
    python: str,
) -> None:
    cases = []
    for context, around in CONTEXTS.items():
        indent = next(row for row in around.splitlines() if "{}" in row).partition("{}")[0]
        for row in STATEMENTS.replace("\n", "  % ").split("  % "):
            statement, _, wanted = row.rpartition(" ; ")
            if "a:" in statement and context in ("global", "nonlocal"):
                continue  # not allowed
            lines = statement.replace("|", f"\n{indent}")
            cases.append((context, statement, wanted, around.replace("{}", lines)))
    found = names_of(python, [source for *_, source in cases])
    wrong = [
        f"{context}: {statement}: {each}, not {pair}"
        for (context, statement, wanted, _), each in zip(cases, found, strict=True)
        for pair in wanted.split(", ")
        if each.get(pair.split()[0]) != pair.split()[1]
    ]
    assert not wrong, "\n".join(wrong)


@EVERY_PYTHON
def test_a_node_finds_its_variable_past_choices_and_nameless_places(python: str) -> None:
    statements = ["a = x * w if x else x", "a = x if not x else x * w", "a = x and x * w or x"]
    statements += ["o.d = {}; o.d['k'] = a = x * w", "o.d = {}; o.d['k'], a = x, x * w"]
    found = names_of(python, [f"{statement}\nkeep(a)" for statement in statements])
    wrong = [s for s, names in zip(statements, found, strict=True) if names != {"mul": "a"}]
    assert not wrong


MANY = """sum([x, w, x]);prod([x, w, x]);reduce(mul, [x, w, x]);[*map(abs, [x, w])]
sum(map(square, [x, w]));math.prod(map(square, [x, w]));max(map(square, [x, w]))
functools.reduce(maximum, [x, w, x]);list(map(Value, [1.0, 2.0]));sorted(map(square, [x, w]))
dict(zip('ab', map(square, [x, w])));list(accumulate([x, w, x], hypot))
sum(map(square, [x, w]), start=square(x))"""


@EVERY_PYTHON
def test_not_all_that_a_function_makes_has_the_name_of_its_result(python: str) -> None:
    imports = "import math, functools; from math import prod; from functools import reduce\n"
    imports += "from operator import mul; from itertools import accumulate\n"
    imports += "square, maximum, hypot = engine.square, engine.maximum, engine.hypot\n"
    keep = "\nkeep(*a.values() if isinstance(a, dict) else a if isinstance(a, list) else [a])"
    ways = MANY.replace("\n", ";").split(";")
    found = names_of(python, [f"{imports}a = {way}{keep}" for way in ways])
    assert [way for way, names in zip(ways, found, strict=True) if "a" in names.values()] == []


ONE = """square(x) ; square a % engine.sum([x, w]) ; sum a % mul(x, w) ; mul a % pow(x, 2) ; pow a
(x|.square()) ; square a % f(x) ; square a % o.f(x) ; square a % engine.floor(x=w) ; floor a
engine.remainder(w, x) ; remainder a % [square][0](x) ; square a % abs(x) ; abs a
divmod(w, x) ; floor_divide a[0], remainder a[1] % partial(square)(x) ; square a
square(sum([x, w])) ; add -, square a % round(square(x)) ; round a, square -"""


@EVERY_PYTHON
def test_the_one_that_a_function_makes_has_the_name_of_its_result(python: str) -> None:
    cases = [row.split(" ; ") for row in ONE.replace("\n", " % ").split(" % ")]
    setup = (
        "from operator import mul; from functools import partial\nf = o.f = square = engine.square"
    )
    found = names_of(
        python,
        [
            f"{setup}\na = {way}\nkeep(*a if type(a) is tuple else [a])".replace("|", "\n")
            for way, _ in cases
        ],
    )
    for (way, wanted), names in zip(cases, found, strict=True):
        assert names == dict(pair.split() for pair in wanted.split(", ")), way


def test_what_a_pool_of_threads_makes_has_no_name_of_the_pool() -> None:
    with ThreadPoolExecutor(1) as pool:
        made = [pool.submit(engine.tanh, Value(1.0)).result(), *pool.map(engine.exp, [Value(1.0)])]
    assert [*map(origins.name_of, made)] == [None, None]


def test_a_picture_of_a_sum_says_where_it_went() -> None:
    a = execute("a = sum([x, w, x])", x=Value(2.0), w=Value(3.0))["a"]
    assert a.to_dot().count('label="a\\n') == 1


FORMS = [
    "keep({})", "({}).tanh()", "sin({})", "-{}", "[{}, x][0]", "(# := {})", "({} + {})",
    "({} * {})", "dot([{}], [{}])", "({} and {})", "({} if {} > 0 else {})",
]  # fmt: skip


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "w", "Value(1.5)"]),
    lambda inner: st.builds(str.format, st.sampled_from(FORMS), inner, inner, inner),
    max_leaves=6,
)


@st.composite
def assignments(draw: Any) -> str:
    """A statement that sets variables and attributes; each # is to be a variable of its own."""
    targets = draw(st.lists(st.sampled_from(["#", "#", "o.#", "d['#']"]), min_size=1, max_size=5))
    if draw(st.booleans()):
        return " = ".join([*targets, draw(EXPRESSIONS)])
    values = [draw(EXPRESSIONS) for _ in targets]
    if draw(st.booleans()):  # a tuple in a tuple
        targets[1:] = [f"({', '.join(targets[1:])},)"] if targets[1:] else []
        values[1:] = [f"({', '.join(values[1:])},)"] if values[1:] else []
    return f"{', '.join(targets)}, = {', '.join(values)},"


@given(st.lists(assignments(), min_size=1, max_size=3), st.booleans())
def test_a_name_is_always_that_of_a_variable_which_holds_the_node(
    statements: list[str], inside: bool
) -> None:
    numbers = count()
    lines = ["".join(f"v{next(numbers)}" if c == "#" else c for c in s) for s in statements]
    body = "".join(f"\n  {line}" for line in lines)
    source = f"def f(x, w):{body}\n  return locals()\ninner = f(x, w)"
    kept: list[Value] = []
    keep = lambda value: kept.append(value) or value  # noqa: E731
    holder = type("Holder", (), {})()
    x, w = Value(0.5), Value(1.5)
    given = {"x": x, "w": w, "o": holder, "keep": keep, "d": {}, "Value": Value}
    names = execute(source if inside else "\n".join(lines), **given, sin=engine.sin, dot=engine.dot)
    variables = {**names, **names.get("inner", {}), **vars(holder)}
    values = [each for each in variables.values() if isinstance(each, Value)]
    for node in topological(*values, *kept, *names["d"].values()):
        called = origins.name_of(node)
        assert called is None or node in (x, w) or variables.get(called) is node, source


def test_an_instruction_of_a_python_to_come_costs_the_name_and_makes_no_wrong_one() -> None:
    lines = ["a = x * w", "b = o.c = x.tanh()", "c = x and x * w", "d, e, f = x * w, -x, x - w"]
    lines += ["g, (h, i) = x + w, softmax([x, w])", "j = (x * w).exp() if x > 0 else keep(x, w=w)"]
    source = "def f(x, w):\n  " + "\n  ".join(lines) + "\n  return locals()\nmade = f(x, w)"
    names = {"x": Value(2.0), "w": Value(3.0), "o": type("O", (), {})(), "softmax": engine.softmax}
    made = execute(source, **names)["made"]
    made = {name: made[name] for name in "abcdefghij"}
    real = dis.get_instructions
    met = {each.opname for each in real(made["a"]._code)} - {"CACHE", "NOP", "EXTENDED_ARG"}

    def renamed(unknown: set[str]) -> dict[str, str | None]:
        def later(code: Any) -> Any:
            for each in real(code):
                yield each._replace(opname="NEW") if each.opname in unknown else each

        with mock.patch("dis.get_instructions", later):
            engine.source.origin._decode.cache_clear()
            engine.source.origin._instructions.cache_clear()
            engine.source.naming._written.cache_clear()
            return {name: origins.name_of(node) for name, node in made.items()}

    for unknown in met:
        wrong = {k: v for k, v in renamed({unknown}).items() if v not in (k, None)}
        assert not wrong, unknown
    assert {*renamed({each for each in met if "STORE" in each}).values()} == {None}
    assert {*renamed({each for each in met if "BINARY" in each or "CALL" in each}).values()} <= {
        None, "e",
    }  # fmt: skip
    assert renamed(set()) == {name: name for name in made}


def test_all_names_in_a_long_function_are_found_and_it_is_not_read_anew_for_each() -> None:
    lines = [f"  v{i} = x * {i}.5\n" for i in range(300)]  # more than fit in a byte
    found = execute(f"def f(x):\n{''.join(lines)}  return locals()\nv = f(x)", x=Value(2.0))["v"]
    real, read = dis.get_instructions, count()
    counted = lambda *a, **k: (i for i in real(*a, **k) if next(read) >= 0)  # noqa: E731
    with mock.patch("dis.get_instructions", counted):
        for i in range(300):
            assert (origins.name_of(found[f"v{i}"]), spot(found[f"v{i}"])[0]) == (f"v{i}", i + 2)
    assert next(read) < 300 * 20  # a line has about four instructions


def test_what_eval_runs_is_not_read_from_what_python_c_runs() -> None:
    """Both are called <string>; from Python 3.13 on, the lines of the latter can be read."""
    line = "import engine as another\n"
    known = {"<string>": (len(line), None, [line], "<string>")}
    with mock.patch.dict(linecache.cache, known):
        assert origins.called(eval("(x**2)**2", {"x": Value(2.0, "x")})) == "((x ** 2) ** 2)"


def test_where_there_is_no_source_three_operations_say_how_a_node_was_made() -> None:
    names: dict[str, Any] = {"x": Value(2.0, "x")}
    exec("y = x.tanh().exp().sin().cos().tanh()", names)
    deep = ["tanh(…)", "tanh(cos(…))", "tanh(cos(sin(…)))", "tanh(cos(sin(exp(…))))"]
    assert [origins.expression(names["y"], i) for i in range(4)] == deep
    assert origins.expression(names["y"]) == deep[2]


def test_where_there_is_no_source_a_long_sum_is_spelled_by_its_last_term() -> None:
    names: dict[str, Any] = {"sum": engine.sum} | {k: Value(9.0 - ord(k), k) for k in "abcde"}
    for terms, spelled in {"a,b,c": "sum(a, b, c)", "a,b,c,d": "sum(…, d)"}.items():
        exec(f"y = sum([{terms}])", names)
        assert origins.expression(names["y"]) == spelled
