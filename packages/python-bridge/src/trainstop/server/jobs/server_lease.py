"""Who works in a data directory, as the store knows it: a copy of the directory elsewhere must not."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, delete, insert, or_, select, text, update

from trainstop.rundir.process_identity import boot_id
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.repeated import repeated
from trainstop.server.store.store_error import StoreError

RENEW_SECONDS = 4.0
LEASE_SECONDS = 15.0
"""A server that wasn't seen for so long is dead, or cut off from the store."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One run of a server in a data directory that the caller has locked."""

    server_id: str
    place: str
    """The data directory's path."""
    host: str = field(default_factory=socket.gethostname)
    boot_id: str = field(default_factory=boot_id)
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    """Unlike that of every other."""


class ServerLease:
    """Callable from any thread; blocks on the store."""

    def __init__(
        self, database: Database, worker: Worker, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.worker = worker
        self._database = database
        self._sleep = sleep

    def take(self) -> None:
        """Say that this server works here. Where another one was seen under this id a moment ago, wait as
        long as a lease lasts for a sign of life. Raises StoreError when there is one."""
        first = self._take_unless_held()
        waited = 0.0
        held = first
        while held is not None:
            if (first is not None and held.seen_at > first.seen_at) or waited > LEASE_SECONDS + RENEW_SECONDS:
                raise StoreError(_in_use(self.worker, held))
            self._sleep(1.0)
            waited += 1.0
            held = self._take_unless_held()

    @repeated
    def renew(self) -> bool:
        """Call every RENEW_SECONDS; False: another one works under this id now. Raises StoreError."""
        servers = tables.servers
        with self._database.write() as connection:
            mine = (servers.c.id == self.worker.server_id, servers.c.run == self.worker.run)
            seen = update(servers).where(*mine).values(seen_at=_store_time(connection))
            return connection.execute(seen).rowcount == 1

    @repeated
    def give_back(self) -> None:
        """The next server on this directory, wherever that is, need not wait."""
        servers = tables.servers
        with self._database.write() as connection:
            mine = (servers.c.id == self.worker.server_id, servers.c.run == self.worker.run)
            connection.execute(update(servers).where(*mine).values(seen_at=0.0))

    @repeated
    def _take_unless_held(self) -> Row[*tuple[object, ...]] | None:
        worker, servers = self.worker, tables.servers
        with self._database.write() as connection:
            now = _store_time(connection)
            found = select(servers).where(servers.c.id == worker.server_id).with_for_update()
            row = connection.execute(found).first()
            if row is not None and _may_live(row, worker, now):
                return row
            if row is not None:
                connection.execute(delete(servers).where(servers.c.id == worker.server_id))
            values = {
                **{"id": worker.server_id, "host": worker.host, "boot_id": worker.boot_id},
                **{"place": worker.place, "run": worker.run, "started_at": now, "seen_at": now},
            }
            connection.execute(insert(servers).values(values))
            if not self._database.shared:
                # A file has one server: whatever id its jobs have, from before there were any or from a
                # directory whose own was lost, they are this one's.
                jobs = tables.jobs
                others = or_(jobs.c.server_id.is_(None), jobs.c.server_id != worker.server_id)
                connection.execute(update(jobs).where(others).values(server_id=worker.server_id))
        return None


def holds_lease(connection: Connection, server_id: str, run: str) -> bool:
    """Whether this run of the server is the newest under its id. It stays so until the transaction ends, and
    another one that asks the same waits for that."""
    servers = tables.servers
    found = select(servers.c.run).where(servers.c.id == server_id).with_for_update()
    return connection.execute(found).scalar() == run


def host_of(connection: Connection, server_id: str | None) -> str:
    """The name of a server's machine."""
    found = select(tables.servers.c.host).where(tables.servers.c.id == server_id)
    return str(connection.execute(found).scalar() or "another machine")


def _may_live(row: Row[*tuple[object, ...]], worker: Worker, now: float) -> bool:
    here = (row.host, row.boot_id, row.place) == (worker.host, worker.boot_id, worker.place)
    # In the same directory of the same machine it is dead: we hold that directory's lock.
    return not here and row.seen_at > now - LEASE_SECONDS


def _in_use(worker: Worker, row: Row[*tuple[object, ...]]) -> str:
    return (
        f"The data directory {worker.place} bears the identity of one in which a server on {row.host} works "
        f"just now ({row.place}). If this is a copy, remove server.json from it; else stop that server first."
    )


def _store_time(connection: Connection) -> float:
    """Unix seconds by the one clock that all servers of a store share."""
    if connection.dialect.name != "postgresql":
        return time.time()
    return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
