"""The loops in a tape: matrix products, maps and gathers, and totals over the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

from engine.native.lower import plan
from engine.native.lower.plan import ONE, Apply, Args, Gather, Map, Outer, Product, Scatter, Tape
from engine.native.math.reductions import FOLDS, fold
from engine.native.math.rules import CHEAP, cost, has_formula
from engine.native.needs import numpy

SMALL = 6  # products of fewer terms are not worth a loop
MANY = 24  # nor maps of fewer cheap operations,
HEAVY = 3  # or of operations that take many instructions;
MAPS = 32  # kinds of maps at most: each is a function to compile
LONG = 32  # operands of which more are not written out, but are a loop


def find_levels(tape: Tape, varying: bool, products: Sequence[Product] = ()) -> list[int]:
    """How many instructions of the section lie below each, at most: those of one level do not
    depend on one another. 0 for instructions of the other section, and for leaves.

    Products begin a new phase each, so that what follows them at the places of a sequence is of one
    level, whatever was before.
    """
    levels, phase = [0] * len(tape.ops), len(tape.ops)
    first = {y for product in products for y in product.ys}
    for i, args in enumerate(tape.args):
        if args and tape.varying[i] == varying:
            below = max(map(levels.__getitem__, args))
            levels[i] = (below // phase + 1) * phase if i in first else below + 1
    return levels


def find_blocks(
    tape: Tape, levels: list[int], products: Sequence[Product], gone: set[int]
) -> list[Map | Gather]:
    """The loops of the varying section."""
    products = _at_places(levels, products)
    taken = gone.union(*[product.ys for product in products])
    uses: dict[int, list[int]] = defaultdict(list)
    for i, args in enumerate(tape.args):
        if levels[i] and i not in gone and tape.ops[i] not in FOLDS:
            for arg in set(args):
                uses[arg].append(i)
    for product in products:
        _fuse(tape, levels, uses, product, [product.ys], taken)
    gathers = _gathers(tape, taken)
    taken.update(*[gather.ys for gather in gathers])
    reductions = _reductions(tape, levels, taken)
    taken.update(*[reduction.writes for reduction in reductions])
    return [*products, *gathers, *reductions, *_maps(tape, levels, uses, taken)]


MIXED = "mixed"


def is_cheap(tape: Tape, i: int) -> bool:
    """Whether an instruction takes few of the machine's, with the constants that it has."""
    op, args = tape.ops[i], tape.args[i]
    if op in FOLDS or not has_formula(op):
        return False
    cheap = cost(op, (None,) * len(args)) <= CHEAP
    return cheap or cost(op, tuple(map(tape.numbers.get, args))) <= CHEAP


def kind(tape: Tape, i: int) -> str:
    """Where an operand is found: `varying`, `param`, `const` or `uniform`."""
    if tape.varying[i]:
        return "varying"
    return tape.ops[i] if tape.ops[i] in ("param", "const") else "uniform"


def _source(tape: Tape, i: int, arg: int) -> float | str:
    """Where a map finds an operand; or its number, where that makes a power cheap."""
    known = tape.ops[i] == "pow" and arg in tape.numbers and is_cheap(tape, i)
    return tape.numbers[arg] if known else kind(tape, arg)


# --- matrix products ----------------------------------------------------------------------------
def find_products(tape: Tape, gone: set[int]) -> list[Product]:
    """The products of weights with a list of what varies."""
    ops, args, varying = tape.ops, tape.args, tape.varying
    groups: dict[Any, list[tuple[Args, Args, int]]] = defaultdict(list)
    for i, op in enumerate(ops):
        if op != "dot" or not varying[i] or i in gone:
            continue
        n = len(args[i]) // 2
        if not n:
            continue
        first, second, bias = args[i][:n], args[i][n : 2 * n], args[i][2 * n :]
        if varying[first[0]]:
            first, second = second, first
        kinds = {kind(tape, w) for w in (*first, *bias)}
        if len(kinds) == 1 and kinds <= {"param", "uniform"} and all(varying[x] for x in second):
            groups[second, len(bias), kinds.pop()].append((first, bias, i))
    products = []
    for (xs, has_bias, where), rows in groups.items():
        if len(rows) * len(xs) < SMALL:
            continue
        weights, biases, ys = zip(*sorted(rows), strict=True)
        place = tape.position if where == "param" else range(len(ops))
        table = numpy().array([[place[w] for w in row] for row in weights])
        offsets = numpy().array([place[bias[0]] for bias in biases]) if has_bias else None
        products.append(Product([], xs, ys, where, table, offsets))
    return products


def _at_places(levels: list[int], products: Iterable[Product]) -> list[Product]:
    """Products of one level with the same weights as one."""
    found: dict[Any, Product] = {}
    for each in products:
        bias = None if each.bias is None else each.bias.tobytes()
        key = levels[each.ys[0]], each.kind, each.weights.shape, each.weights.tobytes(), bias
        if same := found.get(key):
            each = replace(same, xs=same.xs + each.xs, ys=same.ys + each.ys)
        found[key] = each
    return [*found.values()]


def _fuse(
    tape: Tape,
    levels: list[int],
    uses: dict[int, list[int]],
    block: Map,
    lists: Sequence[Args],
    taken: set[int],
) -> None:
    """Give a block the operations that need no more than one position of its results and what is
    there before: each is done with these results as long as they are in registers.
    """
    level, many = levels[lists[0][0]], len(lists[0])
    row, column = dict[int, int](), dict[int, Any]()  # where it is in which list
    for k, ids in enumerate(lists):
        row.update(zip(ids, range(many), strict=True))
        column.update(dict.fromkeys(ids, -k))
    seen = {user for ids in lists for y in ids for user in uses[y]}
    waiting = sorted(seen, key=lambda i: (levels[i], i))
    groups: dict[Any, dict[int, int]] = defaultdict(dict)
    for i in waiting:
        if i in taken or len(block.steps) > 40 or not is_cheap(tape, i):
            continue
        args = tape.args[i]
        rows = {row[arg] for arg in args if arg in row}
        others = [arg for arg in args if arg not in row]
        if len(rows) != 1 or any(levels[arg] >= level for arg in others):
            continue
        if isinstance(block, Product) and any(tape.ops[arg] == "input" for arg in others):
            continue  # what losses do with targets is of many kinds
        j = rows.pop()
        signature = tape.ops[i], *[column.get(arg, _source(tape, i, arg)) for arg in args]
        number = 0
        while j in groups[signature, number]:
            number += 1
        group = groups[signature, number]
        group[j] = i
        if len(group) == many:
            ids = tuple([group[k] for k in range(many)])
            columns = zip(*[tape.args[each] for each in ids], strict=True)
            block.steps.append(Apply(tape.ops[i], ids, tuple(columns)))
            taken.update(ids)
            for k, each in enumerate(ids):
                row[each], column[each] = k, len(block.steps)
                waiting += [user for user in uses[each] if user not in seen]
                seen.update(uses[each])


# --- embeddings and maps -------------------------------------------------------------------------
def _gathers(tape: Tape, taken: set[int]) -> list[Gather]:
    groups: dict[Any, list[int]] = defaultdict(list)
    for i, op in enumerate(tape.ops):
        if op == "choose" and i not in taken:
            index, *options = tape.args[i]
            if tape.varying[index] and all(tape.ops[each] == "param" for each in options):
                groups[index, len(options)].append(i)
    return [
        Gather(
            index,
            tuple(ids),
            numpy().array([[tape.position[p] for p in tape.args[i][1:]] for i in ids]),
        )
        for (index, _), ids in groups.items()
    ]


def _reductions(tape: Tape, levels: list[int], taken: set[int]) -> list[plan.Reduction]:
    groups: dict[Any, list[tuple[int, list[Args]]]] = defaultdict(list)
    for i, (level, op) in enumerate(zip(levels, tape.ops, strict=True)):
        if not level or i in taken or len(tape.args[i]) <= LONG or op not in FOLDS:
            continue
        name, args = fold(op, tape.args[i])
        begin, step = FOLDS[name].begin, FOLDS[name].step
        columns = [tuple(args[k : k + 1]) for k in range(begin)]
        columns += [tuple(args[begin + k :: step]) for k in range(step)]
        kinds = [{kind(tape, arg) for arg in column} for column in columns]
        key = level, name, len(args), *["".join(k) if len(k) == 1 else MIXED for k in kinds]
        groups[key].append((i, columns))
    reductions = []
    for (_, name, _, *kinds), found in groups.items():
        ids, lists = zip(*found, strict=True)
        columns = [tuple(chain(*each)) for each in zip(*lists, strict=True)]
        mixed = [column for column, where in zip(columns, kinds, strict=True) if where == MIXED]
        reductions.append(plan.Reduction([Apply(name, ids, tuple(columns))], mixed))
    return reductions


def _maps(
    tape: Tape, levels: list[int], uses: dict[int, list[int]], taken: set[int]
) -> Iterator[Map]:
    at: dict[int, list[int]] = defaultdict(list)
    for i, level in enumerate(levels):
        if level and i not in taken and len(tape.args[i]) <= LONG:
            at[level].append(i)
    forms: dict[Any, list[Map]] = defaultdict(list)
    for level in sorted(at):
        groups: dict[Any, list[int]] = defaultdict(list)
        for i in at[level]:
            if i not in taken:
                groups[tape.ops[i], *[_source(tape, i, arg) for arg in tape.args[i]]].append(i)
        maps: dict[Any, Map] = {}
        for (op, *_), ids in groups.items():
            if len(ids) >= (MANY if op in FOLDS or is_cheap(tape, ids[0]) else HEAVY):
                ids.sort(key=lambda i: tape.args[i])
                columns = tuple(zip(*[tape.args[i] for i in ids], strict=True))
                # operations on the same numbers, such as tanh and its derivative, share their work
                found = maps.setdefault(columns, Map([]))
                found.steps.append(Apply(op, tuple(ids), columns))
        taken.update(*[block.writes for block in maps.values()])
        for block in maps.values():
            _fuse(tape, levels, uses, block, [step.ids for step in block.steps], taken)
            # each form is one function, however often it is called
            forms[len(block.steps[0].ids), *[step.op for step in block.steps]].append(block)
    gains = {form: form[0] * len(form) * len(found) for form, found in forms.items()}
    for form in sorted(forms, key=lambda form: -gains[form])[:MAPS]:
        yield from forms[form]


# --- totals over rows: grids of each of a list with each of another, and scatters -----------------
Term = tuple[int, int, int]  # two factors, and the position of the total


def find_totals(
    tape: Tape, sinks: Sequence[tuple[int, int]]
) -> tuple[list[Outer | Scatter], set[int]]:
    """What adds up the outputs over the rows, and the instructions that need not be computed
    because of it: an output that nobody else reads is never stored row by row.

    Arguments:
        sinks: instruction and position of each output.
    """
    terms, gone = _terms(tape, sinks)
    totals = _together([_scatter(tape, grid) or grid for grid in _grids(terms)])
    if any(isinstance(each, Scatter) for each in totals):
        gone |= _unread(tape, gone, totals)
    return totals, gone


def _terms(tape: Tape, sinks: Sequence[tuple[int, int]]) -> tuple[list[Term], set[int]]:
    read, varying = set(chain.from_iterable(tape.args)), tape.varying
    terms: list[Term] = []
    gone = set()
    for i, place in sinks:
        args, op = tape.args[i], tape.ops[i]
        if i in read or op not in ("mul", "dot") or not all(map(varying.__getitem__, args)):
            terms.append((i, ONE, place))
            continue
        gone.add(i)
        n = len(args) // 2
        terms += zip(args[:n], args[n : 2 * n], repeat(place))
        terms += [(bias, ONE, place) for bias in args[2 * n :]]
    return terms, gone


def _grids(terms: Iterable[Term]) -> list[Outer]:
    partners: dict[int, dict[int, int]] = defaultdict(dict)
    more = []
    for a, b, position in terms:
        mine = partners[a]
        if b in mine:
            more.append((a, b, position))  # the same product into another total
        else:
            mine[b] = position
    sums = {a: mine.pop(ONE) for a, mine in partners.items() if ONE in mine}
    rows: dict[Args, list[int]] = defaultdict(list)
    for a, mine in partners.items():
        if mine:
            rows[tuple(mine)].append(a)
    array = numpy().array
    grids = [
        Outer(tuple(a), b, array([[*partners[each].values()] for each in a]))
        for b, a in rows.items()
    ]
    if sums:
        grids.append(Outer(tuple(sums), (ONE,), array([*sums.values()])[:, None]))
    return grids + (_grids(more) if more else [])


def _together(totals: Iterable[Outer | Scatter]) -> list[Outer | Scatter]:
    """Outer products into the same totals as one."""
    found: dict[Any, Outer | Scatter] = {}
    for each in totals:
        key: Any = id(each)
        if isinstance(each, Outer):
            key = each.b == (ONE,), each.into.shape, each.into.tobytes()
            if isinstance(same := found.get(key), Outer):
                each = Outer(same.a + each.a, each.b if key[0] else same.b + each.b, each.into)
        found[key] = each
    return [*found.values()]


def _scatter(tape: Tape, grid: Outer) -> Scatter | None:
    """A grid whose second factors say which of 0, 1, 2, ... an index is: one of them is 1."""
    indexes = set()
    for k, b in enumerate(grid.b):
        if b == ONE or tape.ops[b] != "equal":
            return None
        index, number = tape.args[b]
        if tape.numbers.get(number) != k or not tape.varying[index]:
            return None
        indexes.add(index)
    return Scatter(indexes.pop(), grid.a, grid.into) if len(indexes) == 1 else None


def _unread(tape: Tape, gone: set[int], totals: Iterable[Outer | Scatter]) -> set[int]:
    """What nobody reads any more."""
    reads = {i for each in totals for i in each.reads}
    unread = set()
    for i in reversed(range(len(tape.ops))):
        if i in gone:
            continue
        if i in reads or not tape.varying[i]:
            reads.update(tape.args[i])
        else:
            unread.add(i)
    return unread
