from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.rundir.process_identity import process_stat
from trainstop.server.supervision.conftest import until
from trainstop.server.testing.own_directory import in_memory, remove_those_of_the_dead

OWNER = """
import sys, time
from trainstop.server.testing.own_directory import in_memory
from trainstop.server.testing.postgres import Postgres

print(in_memory(), Postgres().pid, flush=True)
time.sleep(1000)
"""


class Owner:
    """A process with a PostgreSQL, as a test run has one."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        directory, _, postgres = self.process.stdout.readline().strip().rpartition(" ")
        self.directory, self.postgres = Path(directory), int(postgres)

    def guard(self) -> int:
        [guard] = [pid for pid in children_of(self.process.pid) if b"own_directory" in words_of(pid)]
        return guard

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def children_of(parent: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if (stat := process_stat(pid)) is not None and stat[1] == parent]


def words_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def is_gone(pid: int) -> bool:
    stat = process_stat(pid)
    return stat is None or stat[0] in "ZX"


@pytest.fixture
def owner() -> Iterator[Owner]:
    owner = Owner()
    yield owner
    owner.close()


def test_a_killed_process_takes_its_database_and_its_data_with_it(owner: Owner) -> None:
    assert not is_gone(owner.postgres) and owner.directory.is_dir()
    owner.close()
    until(lambda: is_gone(owner.postgres), "the end of its PostgreSQL")
    until(lambda: not owner.directory.exists(), "its directory to go")


def test_where_nobody_was_left_to_do_so_the_next_that_begins_does_it(owner: Owner) -> None:
    os.kill(owner.guard(), signal.SIGKILL)
    owner.close()
    assert not is_gone(owner.postgres) and owner.directory.is_dir()
    remove_those_of_the_dead(owner.directory.parent)
    assert is_gone(owner.postgres) and not owner.directory.exists()


def test_the_living_keep_theirs(owner: Owner) -> None:
    mine = in_memory()
    remove_those_of_the_dead(owner.directory.parent)
    assert mine.is_dir() and owner.directory.is_dir() and not is_gone(owner.postgres)
