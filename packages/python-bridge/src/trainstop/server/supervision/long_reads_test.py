from __future__ import annotations

import asyncio
import threading

import pytest

from trainstop.server.supervision import long_reads
from trainstop.server.supervision.long_reads import LongReads


def test_a_read_waits_for_its_turn_and_one_without_end_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    read_on = threading.Event()
    begun = threading.Event()

    def endless() -> str:
        begun.set()
        read_on.wait()
        return "endless"

    async def scenario() -> None:
        reads = LongReads(1)
        first = asyncio.create_task(reads.run(endless))
        await asyncio.to_thread(begun.wait)
        second = asyncio.create_task(reads.run(lambda: "short"))
        # Without the turn's end this would wait for ever: nobody lets the first go on.
        assert await second == "short"
        assert not first.done()
        read_on.set()
        assert await first == "endless"

    monkeypatch.setattr(long_reads, "TURN_SECONDS", 0.01)
    asyncio.run(scenario())


def test_few_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def read() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        both.wait()  # two at once there are
        with lock:
            at_once -= 1

    async def scenario() -> None:
        reads = LongReads(2)
        await asyncio.gather(*(reads.run(read) for _ in range(6)))

    asyncio.run(scenario())
    assert most == 2


def test_a_read_that_fails_ends_its_turn() -> None:
    def fail() -> None:
        raise OSError("broken")

    async def scenario() -> None:
        reads = LongReads(1)
        for _ in range(2):
            with pytest.raises(OSError, match="broken"):
                await reads.run(fail)

    asyncio.run(scenario())
