"""Asynchronous work from synchronous code, whether or not an event loop is running already, and at what cost.

It knows threads and the garbage collector. It does not know what the work is.
"""

from __future__ import annotations

import asyncio
import gc
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

ALLOCATIONS: Final = 50_000
"""Objects that are made before Python looks for cycles among the young ones again: some tens of megabytes."""

T = TypeVar("T")
V = TypeVar("V")


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Python looks for cycles of garbage after every few hundred new objects. Calls to models make thousands each, nearly
    all freed by counting references: a fifth of a panel's time went into the looking."""
    before = gc.get_threshold()
    gc.set_threshold(ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def in_a_loop(work: Callable[[Callable[[V], None]], Coroutine[Any, Any, T]], hand: Callable[[V], None]) -> T:
    """Run `work(hand)` in an event loop and wait for it; where a loop is running already, in a thread of its own.

    `hand` is always called in the calling thread. An error in it, or an interrupt, cancels the work first.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work(hand))
    inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    started: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = queue.SimpleQueue()

    async def main() -> T:
        task: asyncio.Task[T] | None = asyncio.current_task()
        assert task is not None
        started.put((asyncio.get_running_loop(), task))
        return await work(lambda thing: inbox.put(("thing", thing)))

    def thread() -> None:
        try:
            inbox.put(("result", asyncio.run(main())))
        except BaseException as error:
            inbox.put(("error", error))

    running = threading.Thread(target=thread, name="panel")
    running.start()
    loop, task = started.get()
    try:
        while True:
            kind, thing = inbox.get()
            if kind == "result":
                result: T = thing
                return result
            if kind == "error":
                raise thing
            hand(thing)
    finally:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(task.cancel)
        running.join()
