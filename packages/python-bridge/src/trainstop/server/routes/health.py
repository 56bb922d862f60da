"""`GET /health`: live is who answers at all; ready is who can do its work."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from trainstop import __version__
from trainstop.server.routes.answer import RequestError, answer
from trainstop.server.routes.context import context_of
from trainstop.server.supervision.daemon_thread import in_daemon_thread

WAIT_SECONDS = 2.0
"""How long a store or a disk may take to answer before it counts as not answering."""
REMEMBERED_SECONDS = 1.0
"""Anybody may ask, so however many do, the store and the disk are asked once in this time."""


async def health(request: Request) -> Response:
    """Without a token, so it says little: 200 when ready, 503 when not and in one word why. `?check=live` is
    200 for as long as the event loop answers."""
    check = request.query_params.get("check", "ready")
    if check not in ("live", "ready"):
        raise RequestError(422, "invalid_request", "check must be live or ready.", field="check")
    context = context_of(request)
    told = {"live": True, "ready": True, "version": __version__}
    not_ready = [context.phase] if context.phase != "serving" else await context.checks.failing()
    if not_ready:
        told |= {"ready": False, "not_ready": not_ready}
    return answer(told, status=503 if not_ready and check == "ready" else 200)


class Checks:
    """Words for what doesn't work just now."""

    def __init__(self, checks: dict[str, Callable[[], bool]]) -> None:
        """`checks`: word → whether it is well. May block, and may raise OSError."""
        self._checks = checks
        # One that hangs is not asked again, so that each takes one thread at most.
        self._under_way: dict[str, asyncio.Task[bool]] = {}
        self._asked_at = -math.inf
        self._failing: list[str] = []
        self._asking = asyncio.Lock()

    async def failing(self) -> list[str]:
        """At most `WAIT_SECONDS` later."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= REMEMBERED_SECONDS:
                for word, check in self._checks.items():
                    if word not in self._under_way:
                        self._under_way[word] = asyncio.create_task(_is_well(check))
                done, _ = await asyncio.wait(self._under_way.values(), timeout=WAIT_SECONDS)
                well = [word for word, task in self._under_way.items() if task in done and task.result()]
                self._failing = [word for word in self._checks if word not in well]
                self._under_way = {word: t for word, t in self._under_way.items() if t not in done}
                self._asked_at = time.monotonic()
        return list(self._failing)


async def _is_well(check: Callable[[], bool]) -> bool:
    try:
        return await in_daemon_thread(check)
    except OSError:
        return False


def can_be_written(directory: Path) -> bool:
    """Whether a byte finds place there. Leaves nothing behind; raises OSError when not."""
    try:
        file = os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
        return os.access(directory, os.W_OK) and os.statvfs(directory).f_bavail > 0
    try:
        os.write(file, b"\0")
        os.fsync(file)
    finally:
        os.close(file)
    return True
