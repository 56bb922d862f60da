"""Blocking work that may take minutes and that a stopping server must not wait for."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_daemon_thread(function: Callable[[], T]) -> T:
    """What `function` returns or raises, from a thread of its own.

    Unlike an executor's threads, this one keeps no process from ending: only for work that changes nothing.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            answer(future.set_result, function())
        except BaseException as error:
            answer(future.set_exception, error)

    def answer(settle: Callable[[Any], None], value: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if future.done() else settle(value))

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="trainstop-long-read", daemon=True).start()
    return await future
