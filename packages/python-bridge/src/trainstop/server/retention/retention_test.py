from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from trainstop.checkpoints.saving import Save
from trainstop.checkpoints.verification import verify
from trainstop.rundir.clock import rfc3339
from trainstop.rundir.layout import RunDir, job_dir
from trainstop.server.configuration.retention_section import DAY_SECONDS, RetentionSection
from trainstop.server.jobs.change import ALONE
from trainstop.server.jobs.conftest import Desk, open_desk
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.retention import checkpoints as checkpoints_module
from trainstop.server.retention import free_pages, job_files, old_jobs
from trainstop.server.retention import retention as retention_module
from trainstop.server.retention.believed_clock import BelievedClock
from trainstop.server.retention.keys import forget_keys
from trainstop.server.retention.metrics import STRETCH_ROWS
from trainstop.server.retention.retention import Retention
from trainstop.server.store import tables
from trainstop.server.store.database import Database

PLENTY = 1 << 50


class House:
    """A desk, its data directory, and someone who tidies it when asked to."""

    def __init__(self, desk: Desk, data_dir: Path) -> None:
        self.desk = desk
        self.data_dir = data_dir
        self.database: Database = desk.jobs._database
        self.free = PLENTY
        self.section = RetentionSection()

    def tidy(self, days: float = 0.0, **section: Any) -> None:
        """One whole look, as many days later."""
        self.section = RetentionSection(**section) if section else self.section
        assert self.retention(days).look()

    def retention(self, days: float = 0.0) -> Retention:
        return Retention(
            *(self.database, self.desk.jobs, self.data_dir, self.section, ALONE),
            clock=lambda: self.desk.clock.now + days * DAY_SECONDS,
            free=lambda _: self.free,
        )

    def save(self, job_id: str) -> str:
        """A real checkpoint, told as the supervisor does."""
        self.desk.saved += 1
        step = self.desk.saved
        saving = Save(job_dir(self.data_dir, job_id) / "checkpoints", step)
        (saving.path / "weights").write_bytes(b"w" * 1000)
        saving.publish(job_id=job_id, attempt=1, epoch=None, reason="manual", metrics={}, save_seconds=0.1)
        fact: dict[str, Any] = {
            **{"checkpoint_id": saving.checkpoint_id, "step": step, "bytes": 1000, "files": 1},
            **{"path": str(self.path(job_id, saving.checkpoint_id)), "verified": True, "problem": None},
            **{"command_id": None, "saved_at": rfc3339(self.desk.clock()), "reason": "manual"},
            **{"epoch": None, "metrics": {}, "save_seconds": 0.1},
        }
        self.desk.tell(job_id, "rank-0", "checkpoint", **fact)
        return saving.checkpoint_id

    def path(self, job_id: str, checkpoint_id: str) -> Path:
        return job_dir(self.data_dir, job_id) / "checkpoints" / checkpoint_id

    def offered(self, job_id: str) -> set[str]:
        return {one["id"] for one in self.desk.jobs.checkpoints(job_id, None)}

    def on_disk(self, job_id: str) -> set[str]:
        folder = job_dir(self.data_dir, job_id) / "checkpoints"
        return set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208

    def log(self, job_id: str, size: int = 10_000) -> Path:
        run = RunDir.of(self.data_dir, job_id, 1)
        run.path.mkdir(parents=True, exist_ok=True)
        run.output.write_bytes(b"l" * size)
        return run.output

    def ended(self, saves: int = 0) -> str:
        job_id = self.desk.running()
        for _ in range(saves):
            self.save(job_id)
        self.desk.cancel(job_id)
        self.desk.obey(job_id, save=False)
        return job_id

    def rows(self, table: Any, job_id: str) -> int:
        query = select(func.count()).select_from(table).where(table.c.job_id == job_id)
        with self.database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def metrics(self, job_id: str, batches: int, rows: int, value: Callable[[int], float] = float) -> None:
        step = 0
        for _ in range(batches):
            told = []
            for _ in range(rows):
                step += 1
                told.append([step, None, self.desk.clock.now, {"loss": value(step)}])
            self.desk.tell(job_id, "rank-0", "metrics", rows=told)


@pytest.fixture
def house(memory: Path, store_kind: str) -> Iterator[House]:
    """Over each store."""
    with open_desk(memory, store=store_kind) as desk:
        yield House(desk, memory)


def test_a_long_run_keeps_its_newest_events_and_old_cursors_are_told_so(house: House) -> None:
    job_id = house.desk.running()
    house.metrics(job_id, batches=150, rows=1)
    seq = house.desk.job(job_id)["seq"]
    house.tidy(events=100)
    assert house.rows(tables.events, job_id) == 100
    whole = [house.desk.jobs.events_after(job_id, None, at, 1000) for at in (seq - 101, seq - 100, seq)]
    assert [events.whole for events in whole] == [False, True, True]
    assert [event["seq"] for event in whole[1].events] == list(range(seq - 99, seq + 1))


def test_more_events_than_fit_into_a_batch_go_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainstop.server.retention.events.BATCH", 7)
    job_id = house.desk.running()
    house.metrics(job_id, batches=130, rows=1)
    house.tidy(events=100)
    assert house.rows(tables.events, job_id) == 100


def test_events_of_a_job_that_is_over_go_after_a_week_and_its_state_stays(house: House) -> None:
    job_id = house.ended()
    before = house.desk.job(job_id)
    house.tidy(days=6.9)
    assert house.rows(tables.events, job_id) > 0
    house.tidy(days=7.1)
    assert house.rows(tables.events, job_id) == 0
    assert house.desk.job(job_id) == before
    assert house.desk.jobs.events_after(job_id, None, before["seq"], 10).whole


def test_curves_get_fewer_points_and_keep_their_extremes_and_ends(house: House) -> None:
    job_id = house.desk.running()
    spike = {2345: 1e9, 3456: -1e9}
    house.metrics(job_id, batches=80, rows=100, value=lambda step: spike.get(step, float(step % 10)))
    house.metrics(job_id, batches=101, rows=1)
    house.tidy(events=100, metric_rows=4000)
    _, columns = house.desk.jobs.metrics(job_id, None)
    kept = dict(zip(columns["step"], columns["values"]["loss"], strict=True))
    assert STRETCH_ROWS < len(columns["step"]) <= 4000
    assert (kept[2345], kept[3456], kept[1]) == (1e9, -1e9, 1.0)
    assert columns["step"][-1] == 101 and columns["step"][:8000] != []
    with house.database.read() as connection:
        counted = connection.execute(select(tables.jobs.c.metric_rows)).scalar_one()
    assert counted == len(columns["step"])


def test_old_and_new_parts_of_a_long_curve_come_to_about_the_same_density(house: House) -> None:
    job_id = house.desk.running()
    step = 0
    for _ in range(5):
        for _ in range(150):
            rows = [[step + n, None, house.desk.clock.now, {"loss": float(step + n)}] for n in range(40)]
            step += 40
            house.desk.tell(job_id, "rank-0", "metrics", rows=rows)
        house.tidy(events=100, metric_rows=10_000)
        with house.database.read() as connection:
            assert connection.execute(select(tables.jobs.c.metric_rows)).scalar_one() <= 10_000
    _, columns = house.desk.jobs.metrics(job_id, None)
    old = [each for each in columns["step"] if each < step - 100 * 40]
    quarters = [0, 0, 0, 0]
    for each in old:
        quarters[each * 4 // (step - 100 * 40)] += 1
    assert max(quarters) <= 3 * min(quarters), quarters


def test_rows_whose_event_is_still_there_are_left_alone(house: House) -> None:
    job_id = house.desk.running()
    house.metrics(job_id, batches=20, rows=100)
    before = house.desk.jobs.metrics(job_id, None)
    house.tidy(metric_rows=1000)
    assert house.desk.jobs.metrics(job_id, None) == before


def test_of_a_job_that_is_over_the_last_and_the_young_checkpoints_stay(house: House) -> None:
    job_id = house.ended(saves=3)
    last = house.desk.job(job_id)["last_checkpoint"]["id"]
    house.tidy(days=13.9)
    assert len(house.offered(job_id)) == 3
    house.tidy(days=14.1)
    assert house.offered(job_id) == house.on_disk(job_id) == {last}
    assert verify(house.path(job_id, last)).ok
    assert house.desk.job(job_id)["last_checkpoint"]["id"] == last


@pytest.mark.parametrize("state", ["running", "paused"])
def test_of_a_job_that_is_not_over_every_checkpoint_stays(house: House, state: str) -> None:
    job_id = house.desk.running()
    saved = {house.save(job_id) for _ in range(3)}
    house.log(job_id)
    if state == "paused":
        house.desk.pause(job_id)
        house.desk.obey(job_id, save=False)
    house.free = 0
    house.tidy(days=10_000)
    assert house.offered(job_id) == house.on_disk(job_id) == saved
    assert RunDir.of(house.data_dir, job_id, 1).output.exists()


def test_what_a_job_was_resumed_from_stays(house: House) -> None:
    job_id = house.desk.running()
    first, _, last = (house.save(job_id) for _ in range(3))
    house.desk.cancel(job_id)
    house.desk.obey(job_id, save=False)
    house.desk.resume(job_id, **{"from": first})
    house.tidy(days=10_000, jobs_days=0)
    assert house.offered(job_id) == {first, last}


def test_where_no_checkpoint_that_stays_is_good_none_goes(house: House) -> None:
    job_id = house.ended(saves=3)
    last = house.desk.job(job_id)["last_checkpoint"]["id"]
    (house.path(job_id, last) / "weights").write_bytes(b"damaged")
    house.tidy(days=15)
    assert len(house.on_disk(job_id)) == 3


def test_killed_between_rows_and_files_it_goes_on_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = house.ended(saves=3)
    last = house.desk.job(job_id)["last_checkpoint"]["id"]
    with monkeypatch.context() as broken:

        def killed(*_: Any) -> bool:
            raise KeyboardInterrupt

        broken.setattr(checkpoints_module, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            house.tidy(days=15)
    assert house.offered(job_id) == {last} and len(house.on_disk(job_id)) == 3
    house.path(job_id, last).with_name(".removing-step-00000009").mkdir()
    house.tidy(days=15)
    assert house.on_disk(job_id) == {last}


def test_links_that_a_script_left_lead_nowhere(house: House, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    job_id = house.ended(saves=2)
    old = min(house.on_disk(job_id))
    (house.path(job_id, old) / "link").symlink_to(precious)
    output = house.log(job_id)
    (output.parent / "link").symlink_to(precious)
    elsewhere = house.ended()
    job_dir(house.data_dir, elsewhere).mkdir(parents=True, exist_ok=True)
    (job_dir(house.data_dir, elsewhere) / "attempts").symlink_to(precious)
    whole = house.ended()
    job_dir(house.data_dir, whole).symlink_to(precious)
    house.tidy(days=100)
    house.tidy(days=200)
    assert (precious / "file").read_text() == "keep me"
    assert not job_dir(house.data_dir, job_id).exists()


def nest(directory: Path, depth: int) -> None:
    """Deeper than a path can name."""
    below = os.open(directory, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=below)
        inner = os.open("d", os.O_RDONLY, dir_fd=below)
        os.close(below)
        below = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=below))
    os.close(below)


def leave_traps(house: House, job_id: str) -> None:
    """What a script can do to the directories of its run."""
    run = house.log(job_id).parent
    nest(run, 3000)
    checkpoints = job_dir(house.data_dir, job_id) / "checkpoints"
    (checkpoints / f".saving-{'a' * 200}").mkdir(parents=True)
    (checkpoints / ".saving-é").mkdir()
    os.mkfifo(checkpoints / ".saving-step-00000001")
    os.mkdir(os.fsencode(checkpoints) + b"/step-\xff")  # noqa: PTH102
    nest(checkpoints / ".saving-é", 1200)


def test_whatever_a_script_made_of_its_directories_others_things_go_and_so_do_its_own(house: House) -> None:
    trapped = house.ended(saves=1)
    leave_traps(house, trapped)
    later = house.log(house.ended())
    house.tidy(days=31)
    assert not later.exists() and not RunDir.of(house.data_dir, trapped, 1).path.exists()
    house.tidy(days=200)
    assert not job_dir(house.data_dir, trapped).exists()


def test_too_many_logs_are_counted_however_deep_they_lie(house: House) -> None:
    trapped = house.ended()
    nest(house.log(trapped, 100_000).parent, 3000)
    young = house.log(house.ended(), 100_000)
    house.tidy(logs_bytes=150_000)
    assert young.exists() and not RunDir.of(house.data_dir, trapped, 1).path.exists()


def test_one_jobs_files_that_cannot_be_removed_keep_no_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, free = house.ended(saves=1), house.ended(saves=1)

    def remove(data_dir: Path, *names: str) -> bool:
        if stuck in names:
            raise PermissionError(1, "Operation not permitted")
        return job_files.remove(data_dir, *names)

    monkeypatch.setattr(old_jobs, "remove", remove)
    house.tidy(days=200)
    last = house.log(house.ended())
    house.tidy(days=200)
    assert not job_dir(house.data_dir, free).exists() and not last.exists()
    monkeypatch.undo()
    house.tidy(days=200)
    assert not job_dir(house.data_dir, stuck).exists()


def test_a_job_that_nobody_can_tidy_keeps_no_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    odd, later = house.ended(), house.log(house.ended())

    def broken(jobs: Any, data_dir: Path, job_id: str) -> None:
        if job_id == odd:
            raise ValueError("nobody thought of this")

    monkeypatch.setattr(retention_module, "remove_leftovers", broken)
    house.tidy(days=31)
    assert not later.exists()


def test_directories_that_nobody_may_enter_or_write_to_go_all_the_same() -> None:
    """For a server that is not root."""
    data_dir = Path(tempfile.mkdtemp(dir="/tmp"))
    before = os.geteuid()
    try:
        if before == 0:
            os.chown(data_dir, 65534, 65534)
            os.seteuid(65534)
        run = data_dir / "jobs" / "job_1" / "attempts" / "1"
        (run / "cache" / "deep" / "er").mkdir(parents=True)
        (run / "cache" / "deep" / "file").touch()
        for closed, mode in ((run / "cache" / "deep", 0o500), (run / "cache", 0o000), (run.parent, 0o000)):
            closed.chmod(mode)
        assert job_files.size_of(data_dir, "jobs", "job_1", "attempts") == 0
        assert job_files.remove(data_dir, "jobs", "job_1", "attempts")
        assert os.listdir(data_dir / "jobs" / "job_1") == []  # noqa: PTH208
    finally:
        os.seteuid(before)
        subprocess.run(["rm", "-rf", str(data_dir)], check=True)


def test_logs_of_jobs_that_are_over_go_after_a_month(house: House) -> None:
    job_id = house.ended()
    output = house.log(job_id)
    house.tidy(days=29.9)
    assert output.exists()
    house.tidy(days=30.1)
    assert not output.parent.exists()


def test_too_many_logs_go_oldest_first(house: House) -> None:
    outputs = [house.log(house.ended(), 100_000) for _ in range(4)]
    house.tidy(logs_bytes=250_000)
    assert [output.exists() for output in outputs] == [False, False, True, True]


def test_an_old_job_goes_with_everything_of_it(house: House) -> None:
    old, young = house.ended(saves=1), house.desk.running()
    house.log(old)
    house.metrics(young, batches=2, rows=1)
    house.tidy(days=179.9)
    assert house.desk.job(old)
    house.tidy(days=180.1)
    with pytest.raises(Refusal):
        house.desk.job(old)
    for table in (tables.events, tables.commands, tables.checkpoints, tables.attempts, tables.removals):
        assert house.rows(table, old) == 0
    assert not job_dir(house.data_dir, old).exists()
    assert house.desk.status(young) == "running" and house.rows(tables.metrics, young) == 2


def test_a_job_that_a_later_one_began_from_goes_after_it(house: House) -> None:
    parent = house.ended(saves=1)
    child = house.desk.resume(parent)["job"]["id"]
    house.desk.run(child)
    house.tidy(days=200)
    assert house.desk.job(parent)["resumed_as"] == child
    house.desk.cancel(child)
    house.desk.obey(child, save=False)
    house.tidy(days=200)
    assert house.desk.job(parent)["resumed_as"] is None
    house.tidy(days=200)
    for gone in (parent, child):
        with pytest.raises(Refusal):
            house.desk.job(gone)


def test_a_removal_of_a_job_that_was_killed_is_finished(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = house.ended(saves=1)
    with monkeypatch.context() as broken:

        def killed(*_: Any) -> bool:
            raise KeyboardInterrupt

        broken.setattr(old_jobs, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            house.tidy(days=200)
    assert job_dir(house.data_dir, job_id).exists()
    house.tidy()
    assert not job_dir(house.data_dir, job_id).exists()
    assert house.rows(tables.removals, job_id) == 0


def test_directories_that_the_store_knows_nothing_of_stay(house: House) -> None:
    stranger = job_dir(house.data_dir, "job_of_a_later_day") / "attempts" / "1"
    stranger.mkdir(parents=True)
    house.tidy(days=10_000)
    assert stranger.is_dir()


def test_keys_are_forgotten_after_a_week(house: House) -> None:
    job_id = house.desk.running()
    first = house.desk.cancel(job_id, key="k")
    house.tidy(days=6.9)
    assert house.desk.cancel(job_id, key="k")["command"]["id"] == first["command"]["id"]
    house.tidy(days=7.1)
    assert house.rows(tables.idempotency_keys, job_id) == 0


def test_keys_without_an_age_are_given_one_a_batch_at_a_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainstop.server.retention.keys.BATCH", 2)
    job_id = house.desk.running()
    for number in range(5):
        house.desk.cancel(job_id, key=f"k{number}")
    with house.database.write() as connection:
        connection.execute(update(tables.idempotency_keys).values(created_at=None))
    assert forget_keys(house.database, house.desk.clock.now, 0)
    with house.database.read() as connection:
        aged = select(func.count()).where(tables.idempotency_keys.c.created_at.is_not(None))
        assert connection.execute(aged).scalar_one() == 2
    house.tidy()
    assert house.rows(tables.idempotency_keys, job_id) == 5
    house.tidy(days=7.1)
    assert house.rows(tables.idempotency_keys, job_id) == 0


def test_on_a_nearly_full_disk_runs_wait_and_what_is_superfluous_goes_early(house: House) -> None:
    running, over = house.desk.running(), house.ended(saves=3)
    output = house.log(over)
    waiting = house.desk.start()
    house.free = 1000
    house.tidy()
    assert len(house.on_disk(over)) == 1 and not output.exists()
    assert not house.desk.jobs.claim_launch(waiting, 1)
    supervised = house.desk.jobs.supervised_job(waiting)
    assert supervised is not None and not supervised.may_launch
    house.desk.jobs.tell_waiting([supervised])
    warning = house.desk.job(waiting)["warnings"][0]
    assert warning["code"] == "waiting_for_disk"
    assert (
        f"less than 1024 MiB (retention.min_free_bytes) are free on the disk of {house.data_dir}"
        in (warning["message"])
    )
    assert house.desk.status(running) == "running"
    house.free = PLENTY
    house.tidy()
    assert house.desk.jobs.claim_launch(waiting, 1)


def test_another_servers_jobs_are_not_looked_after(house: House) -> None:
    job_id = house.ended(saves=3)
    with house.database.write() as connection:
        connection.execute(tables.jobs.update().values(server_id="srv_other"))
    house.tidy(days=10_000)
    assert len(house.on_disk(job_id)) == 3 and house.desk.job(job_id)


def test_a_clock_that_jumps_makes_nothing_old() -> None:
    wall, steady = 1000.0, 0.0
    clock = BelievedClock(lambda: wall, lambda: steady)
    wall, steady = 1060.0, 60.0
    assert clock() == 1060.0
    wall, steady = 1e9, 120.0
    assert 1119.0 < clock() < 1122.0
    wall, steady = 500.0, 180.0
    assert clock() == 500.0


def test_freed_pages_are_given_back(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_pages, "KEPT_PAGES", 10)
    with open_desk(memory) as desk:
        house = House(desk, memory)
        job_id = desk.running()
        house.metrics(job_id, batches=150, rows=400)
        desk.cancel(job_id)
        desk.obey(job_id, save=False)

        def pages() -> int:
            with house.database.read() as connection:
                return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

        before = pages()
        house.tidy(days=200)
        assert pages() < before / 2


def test_between_rounds_only_a_full_disk_has_jobs_that_are_over_looked_at(house: House) -> None:
    house.ended()
    house.section = RetentionSection(jobs_days=1)
    later = house.retention(days=10_000)
    assert later.look(a_round=False)
    assert len(house.desk.jobs.newest(None, [], None, 10)[0]) == 1
    house.free = 0
    assert later.look(a_round=False)
    assert house.desk.jobs.newest(None, [], None, 10)[0] == []


def test_a_look_that_ends_in_the_middle_says_so_and_the_next_goes_on_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "JOBS_AT_ONCE", 1)
    monkeypatch.setattr(retention_module, "PASS_SECONDS", 0.0)
    house.section = RetentionSection(jobs_days=1)
    job_id = house.ended()
    retention = house.retention(days=10_000)
    assert not retention.look()
    assert house.desk.job(job_id)["status"] == "cancelled"
    monkeypatch.setattr(retention_module, "PASS_SECONDS", 60.0)
    assert retention.look()
    assert house.desk.jobs.newest(None, [], None, 10)[0] == []


@pytest.mark.parametrize("full", [False, True])
def test_it_rests_after_each_job_for_a_multiple_of_its_work_unless_the_disk_is_full(
    house: House, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    for _ in range(3):
        house.ended()
    house.free = 0 if full else PLENTY
    retention = house.retention()
    moments = iter(range(1000))
    rests: list[float] = []
    monkeypatch.setattr(retention_module, "time", SimpleNamespace(monotonic=lambda: next(moments) / 100))
    monkeypatch.setattr(retention._stopping, "wait", rests.append)
    assert retention.look()
    assert rests == ([] if full else pytest.approx([0.03] * 3))
