from __future__ import annotations

import asyncio
import logging

import pytest

from trainstop.server.supervision import retried
from trainstop.server.supervision.conftest import WAIT_SECONDS
from trainstop.server.supervision.retried import Retried


class Step:
    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.runs = 0
        self.begun = asyncio.Event()
        self.done = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self) -> None:
        self.runs += 1
        self.begun.set()
        await self.go_on.wait()
        if self.runs <= self.failures:
            raise OSError(28, "No space left on device")
        self.done.set()


async def run_while(errand: Retried, event: asyncio.Event) -> None:
    task = asyncio.create_task(errand.run())
    try:
        await asyncio.wait_for(event.wait(), WAIT_SECONDS)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_what_fails_is_logged_with_the_job_and_done_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retried, "FIRST_RETRY_SECONDS", 0.001)

    async def scenario() -> None:
        step = Step(failures=3)
        errand = Retried("job job_7: following", step)
        errand.wake()
        with caplog.at_level(logging.ERROR):
            await run_while(errand, step.done)
        assert step.runs == 4

    asyncio.run(scenario())
    assert [record.message.startswith("job job_7: following: OSError:") for record in caplog.records] == [
        True,
        True,
        True,
    ]
    assert [record.exc_info is not None for record in caplog.records] == [True, False, False]


def test_something_new_ends_the_pause_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retried, "FIRST_RETRY_SECONDS", 10 * WAIT_SECONDS)
    monkeypatch.setattr(retried, "LAST_RETRY_SECONDS", 10 * WAIT_SECONDS)

    async def scenario() -> None:
        step = Step(failures=1)
        errand = Retried("job job_7: following", step)
        errand.wake()

        async def hurry() -> None:
            await step.begun.wait()
            errand.wake(hurry=True)

        await asyncio.gather(run_while(errand, step.done), hurry())
        assert step.runs == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("turns", range(6))
def test_a_cancellation_is_heard_whatever_happens_at_the_same_time(turns: int) -> None:
    async def scenario() -> None:
        step = Step(failures=10**9)
        errand = Retried("job job_7: following", step)
        errand.wake()
        task = asyncio.create_task(errand.run())
        await step.begun.wait()
        await asyncio.sleep(0)
        step.go_on.clear()
        errand.wake(hurry=True)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=WAIT_SECONDS)
        assert task.cancelled()

    asyncio.run(scenario())


def test_any_number_of_wakes_during_a_run_make_one_run_after_it() -> None:
    async def scenario() -> None:
        step = Step()
        step.go_on.clear()
        errand = Retried("job job_7: following", step)
        errand.wake()
        task = asyncio.create_task(errand.run())
        await step.begun.wait()
        for _ in range(100):
            errand.wake()
        step.go_on.set()
        for _ in range(100):
            await asyncio.sleep(0)
        assert step.runs == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
