from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from trainstop.rundir.layout import RunDir
from trainstop.server.supervision import unverified
from trainstop.server.supervision.conftest import Desk, supervised, until_async
from trainstop.server.supervision.unverified import Unverified

AT = "2026-11-23T10:00:00.000Z"


def told(number: int, **fields: Any) -> dict[str, Any]:
    fact = {"at": AT, "type": "checkpoint", "checkpoint_id": f"step-{number}"}
    return {**fact, "source": "rank-0", "offset": number, **fields}


def test_however_many_checkpoints_a_script_tells_only_so_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever sorts them out, which is the event loop, looks at each slot once."""
    looks = 0

    def waits(stand: int) -> bool:
        nonlocal looks
        looks += 1
        return stand % 2 == 1

    waiting = Unverified(RunDir(tmp_path), "job_1", {})
    monkeypatch.setattr(unverified, "_waits", waits)
    facts = [told(number) for number in range(3 * unverified.MOST_WAITING)]
    now, later = waiting.part([*facts, told(0, type="progress")])
    assert [fact["type"] for fact in now] == ["progress"]
    assert len(later) == unverified.MOST_WAITING and looks <= 2 * len(facts)
    waiting.add(later)
    assert waiting.part(facts) == ([], {})


@pytest.mark.parametrize("id_", [[], {"a": []}, None, 7, "../../etc", True], ids=repr)
def test_an_id_that_none_can_have_keeps_no_run_from_ending(desk: Desk, id_: Any) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            fact = {"at": AT, "type": "checkpoint", "checkpoint_id": id_}
            with desk.run(job_id).rank_journal(3).open("a") as journal:
                for type_ in ("checkpoint", "checkpoint_removed"):
                    journal.write(json.dumps({**fact, "type": type_}) + "\n")
            desk.cancel(job_id, mode="force")
            job = await until_async(partial(desk.ended, job_id), "the stop")
        assert job["status"] == "cancelled"
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())
