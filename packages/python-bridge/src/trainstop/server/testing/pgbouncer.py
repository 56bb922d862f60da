"""A real PgBouncer that lends each connection for one transaction, in front of a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from trainstop.server.testing.own_directory import in_memory
from trainstop.server.testing.postgres import START_SECONDS, Postgres, unprivileged

POOL_SIZE = 3
"""Connections for a database, however many servers and threads want one."""
PORT = 6432
"""A part of the socket's name."""
VARIABLE = "TRAINSTOP_PGBOUNCER"
_USUAL_PLACES = ("/usr/sbin/pgbouncer", "/usr/local/bin/pgbouncer")

_CONFIG = """
[databases]
* = host={postgres} user=trainstop

[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {directory}
auth_type = any
max_client_conn = 500
server_idle_timeout = 2

; as docs/operations.md says
pool_mode = transaction
default_pool_size = {pool_size}
query_wait_timeout = 10
server_login_retry = 1
"""


class PgBouncer:
    """On a socket in a directory of its own. `start` and `kill` by turns."""

    def __init__(self, postgres: Postgres) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir=in_memory()))
        self._directory.chmod(0o755)
        self._user = unprivileged()
        if self._user is not None:
            os.chown(self._directory, *self._user)
        config = _CONFIG.format(
            postgres=postgres.directory, directory=self._directory, port=PORT, pool_size=POOL_SIZE
        )
        (self._directory / "pgbouncer.ini").write_text(config)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Returns when it takes connections."""
        user, group = self._user or (None, None)
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), "pgbouncer.ini"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env={"PATH": os.defpath, "TZ": "UTC"},
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
        ends = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                said = (self._directory / "log").read_text(errors="replace")[-4000:]
                raise AssertionError(f"PgBouncer did not start:\n{said}")
            time.sleep(0.02)

    def kill(self) -> None:
        """With all that was in it: neither side is told."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        # It refuses to start where one of these lies.
        (self._directory / f".s.PGSQL.{PORT}").unlink(missing_ok=True)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://trainstop:pass-word@/{database}?host={self._directory}&port={PORT}"

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self._directory / f".s.PGSQL.{PORT}"))
            except OSError:
                return False
            return True


class PooledPostgres(Postgres):
    """A PostgreSQL that is reached through a PgBouncer alone."""

    def __init__(self) -> None:
        self._pgbouncer: PgBouncer | None = None
        self._pooled: list[str] = ["postgres"]
        super().__init__()
        self._pgbouncer = PgBouncer(self)

    @property
    def pgbouncer(self) -> PgBouncer:
        assert self._pgbouncer is not None
        return self._pgbouncer

    def start(self) -> None:
        """Returns when it answers there, which takes longer."""
        super().start()
        if self._pgbouncer is not None:
            ends = time.monotonic() + START_SECONDS
            while not self._answers_there():
                assert time.monotonic() < ends, (
                    "PgBouncer does not find the PostgreSQL that was started again"
                )
                time.sleep(0.1)

    def url(self, database: str) -> str:
        if database not in self._pooled:
            self._pooled.append(database)
        return self.pgbouncer.url(database)

    def remove(self) -> None:
        self.pgbouncer.remove()
        super().remove()

    def _answers_there(self) -> bool:
        """Each database: a pool that saw a failure takes nobody in for a second, whatever others do."""
        try:
            for database in self._pooled:
                with psycopg.connect(self.url(database), autocommit=True) as connection:
                    connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def _program() -> str:
    wished = os.environ.get(VARIABLE)
    for place in (wished,) if wished else _USUAL_PLACES:
        if os.access(place, os.X_OK):
            return place
    raise AssertionError(
        f"There is no PgBouncer for the tests in {wished or ' or '.join(_USUAL_PLACES)}: "
        f"`npm run test:heavy` installs one where it may; or name the program with {VARIABLE}."
    )
