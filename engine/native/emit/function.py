"""A function of LLVM IR while it is written: its text and its loops.

Formulas are ordinary Python on `Vector`: `x * x + 1.0` writes two instructions. An instruction that
was written before, on the same operands and where it is still in scope, is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count

from engine.native.emit.positions import Index, Least, Sum, split
from engine.native.emit.vector import Vector, literal


class Body:
    """The text of a function while it is being written.

    Arguments:
        lanes: how many doubles a vector holds.
        fixed: its positions are numbers in the text, and not given with each call.
        lean: so are its sizes, and what makes the text longer to make it run faster is left out.
    """

    def __init__(self, lanes: int, fixed: bool = True, lean: bool = False) -> None:
        self.fixed: bool = fixed
        self.lean: bool = lean
        self.resize(lanes)
        self.lines: list[str] = ["entry:"]
        self.first: list[str] = []  # what is read of a call's numbers before all else
        self.rooms: list[str] = []  # of the stack, which are there as long as the call lasts
        self.block: str = "entry"
        self.declared: set[str] = set()
        self._numbers = count()
        self._known: dict[str, str] = {}
        self._scopes: list[list[str]] = [[]]  # what is known since each was entered

    def resize(self, lanes: int) -> None:
        """From here on vectors hold so many doubles."""
        self.lanes = lanes
        self.vector: str = f"<{lanes} x double>"
        self.ints: str = f"<{lanes} x i64>"

    def name(self, stem: str) -> str:
        """A new one."""
        return f"{stem}{next(self._numbers)}"

    def text(self) -> list[str]:
        """Its lines."""
        early = [] if self.first is self.lines else self.first
        return [self.lines[0], *self.rooms, *early, *self.lines[1:]]

    def room(self, doubles: int) -> str:
        """Memory on the stack."""
        name = self.name("%room")
        self.rooms.append(f"  {name} = alloca [{doubles} x double], align 64")
        return name

    def do(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {text}")

    def fresh(self, text: str) -> str:
        """The name of an instruction's result, of one that reads memory, say."""
        name = f"%v{next(self._numbers)}"
        self.lines.append(f"  {name} = {text}")
        return name

    def new(self, text: str) -> str:
        """The name of a result that depends on its operands alone, so that it is computed once."""
        name = self._known.get(text)
        if name is None:
            name = self._known[text] = self.fresh(text)
            self._scopes[-1].append(text)
        return name

    def handed(self, place: int, kind: str) -> str:
        """A number or an address that each call is given, by its place among them."""
        name = f"%given{place}"
        if name not in self._known:
            self._known[name] = name
            at = f"%given.at{place}"
            self.first.append(f"  {at} = getelementptr i64, ptr %given, i64 {place}")
            self.first.append(f"  {name} = load {kind}, ptr {at}, align 8")
        return name

    def position(self, place: int, number: int) -> Index:
        """A number that each call is given; where the text is fixed, it is this one."""
        return number if self.fixed else Sum(self.new, None, self.handed(place, "i64"), 0)

    def open(self, label: str) -> None:
        """Begin a block; the one before has to have ended in a branch."""
        self.lines.append(f"{label}:")
        self.block = label

    def enter(self) -> None:
        """What is written from here on is not in scope after `leave`."""
        self._scopes.append([])

    def leave(self) -> None:
        """Close what `enter` opened."""
        for text in self._scopes.pop():
            del self._known[text]

    def either(self, test: str, then: Callable[[], object], other: Callable[[], object]) -> None:
        """Code that runs where a test holds, and code that runs where it does not."""
        yes, no, end = self.name("then"), self.name("other"), self.name("end")
        self.do(f"br i1 {test}, label %{yes}, label %{no}")
        for name, write in ((yes, then), (no, other)):
            self.open(name)
            self.enter()
            write()
            self.leave()
            self.do(f"br label %{end}")
        self.open(end)

    def choose(self, test: str, then: Callable[[], Vector], other: Callable[[], Vector]) -> Vector:
        """The vector of the one or the other code, as `either` runs it."""
        ends: list[str] = []

        def end(write: Callable[[], Vector]) -> None:
            found = write()
            ends.append(f"[{found.name}, %{self.block}]")

        self.either(test, partial(end, then), partial(end, other))
        return Vector(self, self.fresh(f"phi {self.vector} {', '.join(ends)}"))

    # --- integers and addresses ------------------------------------------------------------------
    def add(self, a: Index, b: Index) -> Index:
        """The sum; of numbers, a number."""
        if isinstance(a, Least):
            self.declared.add("declare i64 @llvm.umin.i64(i64, i64)")
            given = f"i64 {self.add(a.index, b)}, i64 {a.last}"
            return self.add(a.before, self.new(f"call i64 @llvm.umin.i64({given})"))
        (x, g, i), (y, h, j) = split(a), split(b)
        return self._sum(self.new(f"add nsw i64 {x}, {y}") if x and y else x or y, g or h, i + j)

    def times(self, a: Index, b: Index) -> Index:
        """The product; of numbers, a number."""
        (x, g, i), (y, h, j) = split(a), split(b)
        if g or h or (x and y):
            return self.new(f"mul nsw i64 {a}, {b}")
        name, number, factor = (x, i, j) if x else (y, j, i)
        if name and factor not in (0, 1):
            name = self.new(f"mul nsw i64 {name}, {factor}")
        return self._sum(name if factor else None, None, number * factor)

    def least(self, a: Index, most: int | None) -> Index:
        """The smaller of an index and a number, if there is one."""
        if most is None:
            return a
        self.declared.add("declare i64 @llvm.umin.i64(i64, i64)")
        return self.new(f"call i64 @llvm.umin.i64(i64 {a}, i64 {most})")

    def _sum(self, name: str | None, given: str | None, number: int) -> Index:
        several = given or (name and number)
        return Sum(self.new, name, given, number) if several else name or number

    def multiple(self, total: Index, size: int) -> Index:
        """The largest multiple of a size that is at most `total`."""
        if size == 1 or isinstance(total, int):
            return total - total % size if isinstance(total, int) else total
        return self.new(f"sub i64 {total}, {self.new(f'urem i64 {total}, {size}')}")

    def at(self, pointer: str, index: Index, kind: str = "double") -> str:
        """The address of an element."""
        for step in split(index):  # the number last: it is then a part of the machine instruction
            if step:
                pointer = self.new(f"getelementptr {kind}, ptr {pointer}, i64 {step}")
        return pointer

    # --- vectors in and out of memory ------------------------------------------------------------
    def load(self, pointer: str, index: Index) -> Vector:
        """The vector that begins at an element."""
        where = self.at(pointer, index)
        return Vector(self, self.fresh(f"load {self.vector}, ptr {where}, align 8"))

    def store(self, x: Vector, pointer: str, index: Index) -> None:
        """Write a vector from an element on."""
        self.do(f"store {self.vector} {x.name}, ptr {self.at(pointer, index)}, align 8")

    def scalar(self, pointer: str, index: Index) -> str:
        """One double from memory."""
        return self.fresh(f"load double, ptr {self.at(pointer, index)}, align 8")

    def store_scalar(self, x: str, pointer: str, index: Index) -> None:
        """One double into memory."""
        self.do(f"store double {x}, ptr {self.at(pointer, index)}, align 8")

    def splat(self, scalar: str) -> Vector:
        """One double in every lane."""
        one = self.new(f"insertelement {self.vector} poison, double {scalar}, i64 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        many = f"shufflevector {self.vector} {one}, {self.vector} poison, {zeros}"
        return Vector(self, self.new(many))

    def vector_of(self, scalars: Sequence[str]) -> Vector:
        """Doubles side by side; the lanes that are left are 0."""
        found = self.constant(0.0)
        for k, scalar in enumerate(scalars):
            text = f"insertelement {self.vector} {found.name}, double {scalar}, i64 {k}"
            found = Vector(self, self.new(text))
        return found

    def constant(self, number: float) -> Vector:
        """A number that is known, in every lane."""
        return Vector(self, f"splat (double {literal(number)})")

    def call(self, function: str, *args: Vector) -> Vector:
        """A function of LLVM's on vectors, such as llvm.sqrt."""
        short = f"@{function}.v{self.lanes}f64"
        given = ", ".join(f"{self.vector} {arg.name}" for arg in args)
        self.declared.add(f"declare {self.vector} {short}({', '.join([self.vector] * len(args))})")
        return Vector(self, self.new(f"call {self.vector} {short}({given})"))


class Loop:
    """A loop of i over range(start, end, step), open until `end` or a `with` closes it.

    Arguments:
        step: 0 where there is one turn at most.
        carried: what the first turn begins with; `values` are what the last turn handed on.
        maybe_empty: whether there may be no turn.
    """

    def __init__(
        self,
        body: Body,
        start: Index,
        end: Index,
        step: Index = 1,
        carried: Sequence[Vector] = (),
        *,
        maybe_empty: bool = False,
    ) -> None:
        self.body: Body = body
        self._start, self._end, self._step = str(start), str(end), str(step)
        self._head, self._done = body.name("turn"), body.name("done")
        self._before, self._guarded, self._first = body.block, maybe_empty, list(carried)
        if maybe_empty:
            some = body.new(f"icmp slt i64 {self._start}, {self._end}")
            body.do(f"br i1 {some}, label %{self._head}, label %{self._done}")
        else:
            body.do(f"br label %{self._head}")
        body.open(self._head)
        body.enter()
        self._at = len(body.lines)
        self.i: str = body.fresh("")
        self.values: list[Vector] = [Vector(body, body.fresh("")) for _ in carried]

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self, handed_on: Sequence[Vector] = ()) -> list[Vector]:
        """Close the loop. The answer is what it carried, as it is after the last turn."""
        body, kind = self.body, self.body.vector
        last, again = body.block, [""] * (1 + len(handed_on))
        if self._step == "0":
            body.do(f"br label %{self._done}")
        else:
            following = body.fresh(f"add nsw i64 {self.i}, {self._step}")
            more = body.fresh(f"icmp slt i64 {following}, {self._end}")
            body.do(f"br i1 {more}, label %{self._head}, label %{self._done}")
            again = [f", [{x}, %{last}]" for x in (following, *[x.name for x in handed_on])]
        lines = [f"  {self.i} = phi i64 [{self._start}, %{self._before}]{again[0]}"]
        lines += [
            f"  {x.name} = phi {kind} [{first.name}, %{self._before}]{then}"
            for x, first, then in zip(self.values, self._first, again[1:], strict=True)
        ]
        body.lines[self._at : self._at + len(lines)] = lines
        body.leave()
        body.open(self._done)
        if not self._guarded:
            return list(handed_on)
        ends = [
            f"phi {kind} [{first.name}, %{self._before}], [{then.name}, %{last}]"
            for first, then in zip(self._first, handed_on, strict=True)
        ]
        return [Vector(body, body.fresh(end)) for end in ends]


def loops(body: Body, spans: Iterable[tuple[Index, Index, int]]) -> Iterator[tuple[str, int]]:
    """A loop over each (start, end, step), one after another: its index and its step."""
    for start, end, step in spans:
        with Loop(body, start, end, step, maybe_empty=not isinstance(end, int)) as loop:
            yield loop.i, step
