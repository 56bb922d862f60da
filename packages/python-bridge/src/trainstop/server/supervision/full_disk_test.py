"""Disks that are really full: a small tmpfs. Where none can be mounted these tests fail, and say so."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir, job_dir
from trainstop.server.supervision import retried
from trainstop.server.supervision.conftest import (
    TRAINING,
    Desk,
    served,
    supervised,
    sweep_place,
    until,
    until_async,
)
from trainstop.shim.process_tree import marked_tree

CONFIG = """
[retention]
min_free_bytes = 0  # the small disk never has what a real one must keep free

[templates.training]
command = ["{python}", "SCRIPT", "1000000000", "0", ""]
cwd = "PLACE"
"""


class SmallDisk:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """To the last byte, whatever others take or give back meanwhile."""
        with self._filler.open("ab", buffering=0) as file:
            size = 1 << 16
            while size:
                try:
                    file.write(bytes(size))
                except OSError as error:
                    assert error.errno == errno.ENOSPC
                    size //= 2
        for number in range(100_000):
            try:  # no inode is left either, as on a disk that is full of small files
                (self.path / f"filler-{number}").touch()
            except OSError:
                return

    def free(self) -> None:
        for filler in self.path.glob("filler*"):
            filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    path = (tmp_path / "small disk").resolve()
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=400", "tmpfs", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.fail(f"No tmpfs can be mounted here, so no full disk is tested: {mounted.stderr.strip()}")
    yield SmallDisk(path)
    sweep_place(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def desk_on_it(small_disk: SmallDisk, place: Path) -> Iterator[Desk]:
    """The jobs' files lie on the small disk, the store elsewhere."""
    desk = Desk(small_disk.path, store=place)
    yield desk
    desk.close()


def test_on_a_full_disk_a_stop_ends_in_time_and_is_told_when_there_is_room(
    desk_on_it: Desk, small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retried, "LAST_RETRY_SECONDS", 0.5)
    desk = desk_on_it

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            await until_async(lambda: desk.job(job_id)["status"] == "running", "its start")
            small_disk.fill()
            desk.cancel(job_id, grace_seconds=1.5)
            await until_async(lambda: not marked_tree(desk.run(job_id).path), "the kill")
            assert desk.job(job_id)["status"] == "stopping", "nobody could write down how it ended"
            small_disk.free()
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert (job["status"], job["last_command"]["status"]) == ("cancelled", "succeeded")
        deadline = unix_seconds(job["last_command"]["deadline"])
        [main_exited] = desk.told(job_id, "main_exited")
        assert deadline - 0.01 <= unix_seconds(main_exited["at"]) < deadline + 30
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_save_that_finds_the_disk_full_publishes_nothing_and_the_stop_goes_on(
    desk: Desk, small_disk: SmallDisk
) -> None:
    async def scenario() -> None:
        job_id = desk.start()
        checkpoints = job_dir(desk.place, job_id) / "checkpoints"
        checkpoints.parent.mkdir(parents=True)
        checkpoints.symlink_to(small_disk.path)
        small_disk.fill()
        async with supervised(desk):
            await until_async(lambda: desk.is_training(job_id, 210), "steps past a failed save")
            desk.cancel(job_id)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert (job["status"], job["last_checkpoint"]) == ("cancelled", None)
        receipt = desk.receipts(job_id)["checkpoint_saved"]
        assert receipt["state"] == "failed"
        assert "No space left on device" in receipt["detail"]
        assert desk.jobs.checkpoints(job_id, None) == []
        small_disk.free()
        assert os.listdir(small_disk.path) == []  # noqa: PTH208
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_full_store_refuses_commands_in_a_plain_sentence_and_loses_nothing(
    small_disk: SmallDisk, place: Path
) -> None:
    """Everything of the server lies on the full disk."""
    data = small_disk.path / "data"
    data.mkdir()
    (place / "train.py").write_text(TRAINING)
    config = place / "trainstop.toml"
    config.write_text(CONFIG.replace("SCRIPT", str(place / "train.py")).replace("PLACE", str(place)))
    with served(data, config) as (_, client):
        job_id = client.post("/jobs", json={"template": "training"}).json()["job"]["id"]

        def steps() -> list[int]:
            return list(client.get(f"/jobs/{job_id}/metrics").json()["columns"]["step"])

        until(lambda: len(steps()) > 10, "training")
        small_disk.fill()
        refused = client.post(f"/cancel/{job_id}", json={})
        assert (refused.status_code, refused.json()["success"]) == (500, False), refused.text
        assert "is full, so nothing was changed" in refused.json()["error"]
        assert client.get(f"/jobs/{job_id}").json()["job"]["status"] == "running"

        small_disk.free()
        accepted = client.post(f"/cancel/{job_id}", json={}, headers={"Prefer": "wait=60"})
        assert accepted.is_success, accepted.text
        until(lambda: client.get(f"/jobs/{job_id}").json()["job"]["status"] == "cancelled", "the stop")
        job = client.get(f"/jobs/{job_id}").json()["job"]
        assert steps() == sorted(set(steps())), "each once"
        # What no disk took was dropped, and said so: training waits for nobody.
        missing = job["last_checkpoint"]["step"] - len(steps())
        facts, _ = read_facts(RunDir.of(data, job_id, 1).rank_journal(0), 0)
        assert 0 <= missing <= sum(fact["rows"] for fact in facts if fact["type"] == "dropped")
        assert (place / "tally").read_text() == "started "
