"""What other servers write into a store that is shared: it rings no bell here, so the store is asked."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from trainstop.server.jobs.jobs import Jobs
from trainstop.server.routes.broadcast import Broadcast
from trainstop.server.store.store_error import StoreError

log = logging.getLogger("trainstop.server")

LOOK_SECONDS = 0.5
"""How late news from another server may be. One small query for all jobs that somebody here watches."""


async def watch_other_servers(jobs: Jobs, broadcast: Broadcast) -> None:
    """Ring for every watched job that has gone on. Runs as long as the server."""
    known: dict[str, int] = {}
    troubled = False
    while True:
        watched = broadcast.watched()
        try:
            found = await asyncio.to_thread(jobs.positions, watched) if watched else {}
            troubled = False
        except (SQLAlchemyError, StoreError) as error:
            if not troubled:
                log.warning("what other servers write can't be seen just now: %s", error)
            troubled = True
            await asyncio.sleep(LOOK_SECONDS)
            continue
        for job_id, seq in found.items():
            if known.get(job_id, -1) < seq:
                broadcast.tell(job_id)
        known = found
        await asyncio.sleep(LOOK_SECONDS)
