"""Asynchronous work from synchronous code, whether or not an event loop is running already. It knows threads only."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
V = TypeVar("V")


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
