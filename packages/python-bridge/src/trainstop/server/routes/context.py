"""What every route needs of the server it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request

from trainstop.server.jobs.jobs import Jobs
from trainstop.server.observability.metrics import Metrics
from trainstop.server.routes.broadcast import Broadcast
from trainstop.server.routes.feeds import Feeds
from trainstop.server.routes.stream_counts import StreamCounts

if TYPE_CHECKING:
    from trainstop.server.routes.health import Checks

THREADS = 4
"""Calls of the store that may run at once; more would only wait for the disk."""

T = TypeVar("T")


@dataclass(slots=True)
class Context:
    jobs: Jobs
    data_dir: Path
    broadcast: Broadcast
    feeds: Feeds
    limiter: anyio.CapacityLimiter
    checks: Checks
    metrics: Metrics
    stream_counts: StreamCounts
    phase: Literal["starting", "serving", "leaving"] = "starting"
    """`serving`: every job is looked after."""

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run what blocks (the store, files) beside the event loop."""
        return await beside_the_loop(self.limiter, function, *arguments)

    async def call_long(self, function: Callable[..., T], *arguments: Any) -> T:
        """The same for what may take long before it comes to the store."""
        return await anyio.to_thread.run_sync(function, *arguments)


async def beside_the_loop(limiter: anyio.CapacityLimiter, function: Callable[..., T], *arguments: Any) -> T:
    return await anyio.to_thread.run_sync(function, *arguments, limiter=limiter)


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context
