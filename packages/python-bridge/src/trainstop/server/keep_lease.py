"""Says again and again that this server lives, for whoever starts a copy of its data directory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from trainstop.server.jobs.server_lease import RENEW_SECONDS, ServerLease
from trainstop.server.store.store_error import StoreError

log = logging.getLogger("trainstop.server")


async def keep_lease(lease: ServerLease, lost: Callable[[], Awaitable[None]]) -> None:
    """Runs until the lease is lost to another server, and then calls `lost`, once."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            ours = await asyncio.to_thread(lease.renew)
        except (StoreError, SQLAlchemyError):
            continue  # the store is away: whoever uses it says so
        if not ours:
            log.error(
                "another server works under the identity of %s now; this one supervises no job any more. "
                "Stop the one that is a copy, remove its server.json, and restart this one.",
                lease.worker.place,
            )
            await lost()
            return
