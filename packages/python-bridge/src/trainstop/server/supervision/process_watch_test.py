from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator

import pytest

from trainstop.server.supervision.conftest import WAIT_SECONDS, until_async
from trainstop.server.supervision.process_watch import ProcessWatch
from trainstop.shim.process_tree import Process, start_ticks_of


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_a_death_is_told_at_once(sleeper: subprocess.Popen[bytes]) -> None:
    async def scenario() -> None:
        died = asyncio.Event()
        watch = ProcessWatch(Process(sleeper.pid, start_ticks_of(sleeper.pid)), died.set)
        assert not watch.look()
        sleeper.kill()
        await asyncio.wait_for(died.wait(), WAIT_SECONDS)
        assert watch.look()

    asyncio.run(scenario())


def test_the_pid_in_other_hands_is_a_dead_process(sleeper: subprocess.Popen[bytes]) -> None:
    async def scenario() -> None:
        assert ProcessWatch(Process(sleeper.pid, start_ticks_of(sleeper.pid) - 1), pytest.fail).dead

    asyncio.run(scenario())


def test_one_that_was_dead_before_is_dead_from_the_start(sleeper: subprocess.Popen[bytes]) -> None:
    async def scenario() -> None:
        process = Process(sleeper.pid, start_ticks_of(sleeper.pid))
        sleeper.kill()
        sleeper.wait()
        assert ProcessWatch(process, pytest.fail).dead

    asyncio.run(scenario())


def test_without_a_handle_a_look_finds_out(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_descriptor_left(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", no_descriptor_left)

    async def scenario() -> None:
        watch = ProcessWatch(Process(sleeper.pid, start_ticks_of(sleeper.pid)), pytest.fail)
        assert not watch.look()
        sleeper.kill()  # it stays a zombie, which is dead
        await until_async(watch.look, "the look to find out")

    asyncio.run(scenario())
