"""`numeric_mode` and `no_grad` in threads and in asyncio's tasks: each test holds of both."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest

from tests.core.test_scopes import SETTINGS, Active, Scope

both = pytest.mark.parametrize(("scope", "active"), SETTINGS, ids=["numeric_mode", "no_grad"])


@pytest.fixture(autouse=True)
def _nothing_leaks_out_of_a_test() -> Iterator[None]:
    yield
    assert not any(active() for _, active in SETTINGS)


def in_thread(function: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


@both
def test_a_thread_starts_with_the_default_and_keeps_its_own(scope: Scope, active: Active) -> None:
    with scope():
        # (in a context of its own, since a free-threaded Python hands on that of the parent)
        assert not in_thread(lambda: contextvars.Context().run(active))
        assert active()
    opened, done = threading.Event(), threading.Event()

    def other() -> bool:
        with scope():
            opened.set()
            done.wait(10)
            return active()

    thread = threading.Thread(target=other)
    thread.start()
    opened.wait(10)
    try:
        assert not active()
        with scope():
            assert active()
        assert not active()
    finally:
        done.set()
        thread.join()


@both
def test_tasks_do_not_disturb_each_other(scope: Scope, active: Active) -> None:
    async def task(inside: bool, times: int) -> list[bool]:
        seen = []
        for _ in range(times):
            if inside:
                with scope():
                    await asyncio.sleep(0)
                    seen.append(active())
            await asyncio.sleep(0)
            seen.append(not active())
        return seen

    async def main() -> list[list[bool]]:
        return await asyncio.gather(*(task(i % 2 == 0, i + 1) for i in range(6)))

    assert all(all(seen) for seen in asyncio.run(main()))


@both
def test_tasks_may_share_one_scope(scope: Scope, active: Active) -> None:
    shared = scope()

    async def task(seconds_before: float, seconds_inside: float) -> list[bool]:
        await asyncio.sleep(seconds_before)
        with shared:
            await asyncio.sleep(seconds_inside)
            inside = active()
        await asyncio.sleep(seconds_before)
        return [inside, active()]

    async def main() -> list[list[bool]]:
        return await asyncio.gather(task(0.0, 0.02), task(0.01, 0.02), task(0.0, 0.03))

    assert asyncio.run(main()) == [[True, False]] * 3


@both
def test_in_async_generators_and_async_context_managers(scope: Scope, active: Active) -> None:
    async def generator() -> AsyncIterator[bool]:
        with scope():
            for _ in range(3):
                await asyncio.sleep(0)
                yield active()

    @asynccontextmanager
    async def mine() -> AsyncIterator[None]:
        with scope():
            yield

    async def main() -> None:
        async for inside in generator():
            assert inside
            assert not active()
        async with mine():
            await asyncio.sleep(0)
            assert active()
        assert not active()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(mine())
            assert active()
        assert not active()

    asyncio.run(main())


@both
def test_what_a_task_inherited_does_not_depend_on_what_other_threads_do(
    scope: Scope, active: Active
) -> None:
    async def child(start: asyncio.Event) -> tuple[bool, bool]:
        await start.wait()
        alone = active()
        opened, done = threading.Event(), threading.Event()

        def other() -> None:
            with scope():
                opened.set()
                done.wait(10)

        thread = threading.Thread(target=other)
        thread.start()
        opened.wait(10)
        with_another = active()  # a block in some other thread must not matter
        done.set()
        thread.join()
        return alone, with_another

    async def main() -> tuple[bool, bool]:
        start = asyncio.Event()
        with scope():
            task = asyncio.create_task(child(start))
            await asyncio.sleep(0)
        start.set()
        return await task

    alone, with_another = asyncio.run(main())
    assert alone == with_another


@both
def test_a_block_entered_in_one_thread_and_left_in_another_is_over(
    scope: Scope, active: Active
) -> None:
    @contextmanager
    def resource() -> Iterator[None]:  # as web frameworks and test runners drive them
        with scope():
            yield

    context = contextvars.copy_context()
    manager = resource()
    context.run(manager.__enter__)
    in_thread(lambda: manager.__exit__(None, None, None))
    with scope():  # so that some block is open, somewhere
        assert not in_thread(lambda: context.run(active))
