"""`numeric_mode` and `no_grad` as `with` blocks: each test holds of both.

A setting belongs to the thread, task or running generator that entered the block, and to no other.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Any

import pytest

from engine import NumericError, Value, no_grad, numeric_mode

Scope = Callable[[], Any]
Active = Callable[[], bool]


def in_ieee_mode() -> bool:
    try:
        Value(0.0).log()
    except NumericError:
        return False
    return True


def records_nothing() -> bool:
    return (Value(2.0) * 3.0).parents == ()


SETTINGS = [(lambda: numeric_mode("ieee"), in_ieee_mode), (no_grad, records_nothing)]
both = pytest.mark.parametrize(("scope", "active"), SETTINGS, ids=["numeric_mode", "no_grad"])


@pytest.fixture(autouse=True)
def _nothing_leaks_out_of_a_test() -> Iterator[None]:
    yield
    assert not in_ieee_mode()
    assert not records_nothing()


@both
def test_it_holds_inside_the_block_and_ends_with_it_however_that_ends(
    scope: Scope, active: Active
) -> None:
    with scope():
        assert active()
    assert not active()
    for kind in (KeyError, KeyboardInterrupt, GeneratorExit):
        with pytest.raises(kind), scope():  # noqa: PT012 (the block is what is tested)
            assert active()
            raise kind
        assert not active()


def test_the_innermost_mode_holds() -> None:
    with numeric_mode("ieee"):
        with numeric_mode("strict"):
            assert not in_ieee_mode()
            with numeric_mode("ieee"):
                assert in_ieee_mode()
            assert not in_ieee_mode()
        assert in_ieee_mode()


@both
def test_a_scope_can_be_entered_again_also_inside_itself(scope: Scope, active: Active) -> None:
    one = scope()
    for _ in range(3):
        with one:
            with one as again:
                assert active()
                assert again is one
            assert active()
        assert not active()


@both
def test_as_a_decorator(scope: Scope, active: Active) -> None:
    @scope()
    def inside(depth: int) -> list[bool]:
        """Its docstring."""
        return [active(), *(inside(depth - 1) if depth else [])]

    assert inside(3) == [True] * 4
    assert not active()
    assert (inside.__name__, inside.__doc__) == ("inside", "Its docstring.")


@both
def test_what_runs_after_its_call_cannot_be_decorated(scope: Scope, active: Active) -> None:
    def generator() -> Iterator[bool]:
        yield active()

    async def coroutine() -> bool:
        return active()

    async def both_at_once() -> AsyncIterator[bool]:
        yield active()

    name = type(scope()).__name__
    for function in (generator, coroutine, both_at_once):
        with pytest.raises(TypeError) as error:
            scope()(function)
        assert str(error.value) == (
            f"{function.__name__} runs after the call that makes it has returned, so a decorator "
            f"could not last; write `with {name}(...):` inside it"
        )


# --- generators -----------------------------------------------------------------------------------
def steps(scope: Scope, active: Active) -> Iterator[bool]:
    yield active()
    with scope():
        yield active()
        yield active()
    yield active()


@both
def test_a_block_in_a_generator_does_not_leak_between_its_yields(
    scope: Scope, active: Active
) -> None:
    seen = []
    for inside in steps(scope, active):
        seen.append(inside)
        assert not active()
    assert seen == [False, True, True, False]
    with scope():  # nor does it end what is around it
        assert list(steps(scope, active)) == [True] * 4
        assert active()


@both
def test_generators_may_leave_their_blocks_in_any_order(scope: Scope, active: Active) -> None:
    one, two = steps(scope, active), steps(scope, active)
    for generator, inside in (
        *((one, False), (two, False), (one, True), (two, True)),
        *((one, True), (one, False), (two, True), (two, False)),
    ):
        assert next(generator) == inside
        assert not active()


@both
def test_generators_may_share_one_scope(scope: Scope, active: Active) -> None:
    shared = scope()
    one, two = (steps(lambda: shared, active) for _ in range(2))
    for generator, inside in (
        *((one, False), (two, False), (one, True), (two, True)),
        *((one, True), (one, False), (two, True), (two, False)),
    ):
        assert next(generator) == inside
        assert not active()


@both
def test_generators_that_are_closed_or_forgotten_leave_nothing(
    scope: Scope, active: Active
) -> None:
    closed, forgotten, failing = (steps(scope, active) for _ in range(3))
    for generator in (closed, forgotten, failing):
        next(generator)
        next(generator)
    closed.close()
    with pytest.raises(KeyError):
        failing.throw(KeyError)
    assert not active()
    del generator, forgotten
    assert not active()


@both
def test_what_a_generator_calls_and_delegates_to_is_inside_its_block(
    scope: Scope, active: Active
) -> None:
    def inner() -> Iterator[bool]:
        yield active()
        yield next(active() for _ in range(1))

    def outer() -> Iterator[bool]:
        with scope():
            yield from inner()
            yield from (active() for _ in range(2))

    seen = []
    for inside in outer():
        seen.append(inside)
        assert not active()
    assert seen == [True] * 4


@both
def test_a_generator_resumed_inside_a_block_is_inside_it(scope: Scope, active: Active) -> None:
    def observer() -> Iterator[bool]:
        while True:
            yield active()

    look = observer()
    assert not next(look)
    with scope():
        assert next(look)
    assert not next(look)


# --- contextlib -----------------------------------------------------------------------------------
@both
def test_inside_a_contextmanager_it_is_the_block_of_who_uses_that(
    scope: Scope, active: Active
) -> None:
    @contextmanager
    def mine() -> Iterator[str]:
        with scope():
            yield "mine"

    @contextmanager
    def twofold() -> Iterator[None]:
        with mine(), ExitStack() as stack:
            stack.enter_context(mine())
            yield

    for manager in (mine, twofold):
        with manager():
            assert active()
        assert not active()

    @mine()
    def decorated() -> bool:
        return active()

    assert decorated()
    assert not active()

    def generator() -> Iterator[bool]:
        with twofold():
            yield active()
            yield active()

    for inside in generator():
        assert inside
        assert not active()


@both
def test_in_an_exit_stack(scope: Scope, active: Active) -> None:
    with ExitStack() as stack:
        stack.enter_context(scope())
        assert active()
        kept = stack.pop_all()
        assert active()
    assert active()
    kept.close()
    assert not active()

    def generator() -> Iterator[bool]:
        with ExitStack() as stack:
            stack.enter_context(scope())
            yield active()

    with closing(generator()) as running:
        assert next(running)
        assert not active()


@both
def test_scopes_may_be_left_in_another_order_than_entered(scope: Scope, active: Active) -> None:
    scopes: list[AbstractContextManager[Any]] = [scope() for _ in range(3)]
    for each in scopes:
        each.__enter__()
    for each in scopes:
        assert active()
        each.__exit__(None, None, None)
    assert not active()
