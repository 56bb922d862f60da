"""What is in the journals gets into the store: at once where somebody waits for it, else now and then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.conftest import Desk, open_desk
from trainstop.server.supervision.background import Background
from trainstop.server.supervision.follower import Follower

RANKS = 8


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as desk:
        yield desk


class Followed:
    """A running job whose ranks write, and a follower whose clock a test turns."""

    def __init__(self, desk: Desk, data_dir: Path) -> None:
        self.desk = desk
        self.job_id = desk.running()
        job = desk.jobs.supervised_job(self.job_id)
        assert job is not None
        self.run = RunDir.of(data_dir, self.job_id, 1)
        self.run.path.mkdir(parents=True)
        self.time = 100.0
        self.background = Background()
        self.follower = Follower(desk.jobs, self.background, self.run, job, lambda: self.time)

    def write(self, rank: int, type_: str, **fact: Any) -> None:
        with self.run.rank_journal(rank).open("a") as journal:
            journal.write(json.dumps({"at": rfc3339(now()), "type": type_, **fact}) + "\n")

    def metrics_events(self) -> list[dict[str, Any]]:
        return [event["data"] for event in self.desk.events(self.job_id) if event["type"] == "metrics"]


def test_metrics_of_many_ranks_make_at_most_four_events_a_second_and_none_is_lost(
    desk: Desk, tmp_path: Path
) -> None:
    followed = Followed(desk, tmp_path)

    async def follow() -> None:
        for step in range(100):  # two seconds
            for rank in range(RANKS):
                followed.write(rank, "metrics", rows=[[step, None, now(), {f"loss_{rank}": 1.0}]])
            assert followed.follower.has_news()
            await followed.follower.drain(over=False)
            followed.time += 0.02
        assert 4 <= len(followed.metrics_events()) <= 9
        assert followed.follower.has_news(), "what waits is not forgotten"
        await followed.follower.drain(over=True)
        assert not followed.follower.has_news()
        await followed.background.stop()

    asyncio.run(follow())
    rows = [step for event in followed.metrics_events() for step in event["columns"]["step"]]
    assert len(rows) == 100 * RANKS


def test_what_somebody_waits_for_waits_for_nothing(desk: Desk, tmp_path: Path) -> None:
    followed = Followed(desk, tmp_path)
    desk.cancel(followed.job_id)

    async def follow() -> None:
        followed.write(0, "metrics", rows=[[1, None, now(), {"loss": 1.0}]])
        await followed.follower.drain(over=False)
        followed.write(0, "metrics", rows=[[2, None, now(), {"loss": 1.0}]])
        followed.write(0, "acknowledged", command_id=desk.active(followed.job_id), step=2)
        await followed.follower.drain(over=False)
        await followed.background.stop()

    asyncio.run(follow())
    assert desk.receipts(followed.job_id)["acknowledged"] == "done"
    assert len(followed.metrics_events()) == 2
