"""Whatever has happened to jobs, and whenever old things go: nothing goes that somebody may still need."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule

from trainstop.checkpoints.verification import verify
from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.layout import RunDir, job_dir
from trainstop.server.configuration.retention_section import DAY_SECONDS, RetentionSection
from trainstop.server.jobs.change import ALONE
from trainstop.server.jobs.conftest import Desk, open_desk
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import FINAL
from trainstop.server.retention.retention import Retention
from trainstop.server.testing.own_directory import in_memory

LARGE = 100_000
EVENTS, METRIC_ROWS = 8, 20
# Small, so that short histories come to all of them; the configuration would not take some.
SECTION = RetentionSection.model_construct(
    events=EVENTS,
    metric_rows=METRIC_ROWS,
    events_days=3.0,
    checkpoints_days=5.0,
    logs_days=4.0,
    logs_bytes=1 << 40,
    jobs_days=20.0,
    keys_days=2.0,
    min_free_bytes=100,
)


@dataclass(frozen=True)
class Seen:
    """One job, as everybody may see it."""

    job: dict[str, Any]
    offered: tuple[str, ...]
    good: frozenset[str]
    """Those that are offered, and whose files are whole."""
    has_log: bool
    columns: dict[str, Any]
    events: tuple[int, ...]


class Histories(RuleBasedStateMachine):
    store = "sqlite"
    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self._patches = [
            patch("trainstop.server.retention.metrics.STRETCH_ROWS", 6),
            patch("trainstop.server.retention.events.BATCH", 3),
        ]
        for each in self._patches:
            each.start()
        self._directory = tempfile.TemporaryDirectory(dir=in_memory())
        self._open = open_desk(Path(self._directory.name), store=self.store)
        self.desk: Desk = self._open.__enter__()
        self.place = self.desk.jobs._launching.data_dir
        self.told: dict[str, dict[int, dict[str, Any]]] = {}
        """Every event that anybody ever read."""
        self.step = 0

    def teardown(self) -> None:
        try:
            self.old_things_go(days=0, scarce=False)
        finally:
            self._open.__exit__(None, None, None)
            self._directory.cleanup()
            for each in self._patches:
                each.stop()

    # What happens

    @rule(target=jobs, batches=st.integers(0, 16), saves=st.integers(0, 3), turn=st.integers(-5, 5))
    def run(self, batches: int, saves: int, turn: int) -> str:
        job_id = self.desk.running()
        self._write_log(job_id)
        self.train(job_id, batches, turn)
        for number in range(saves):
            self.desk.save(job_id, metrics={"loss": float(turn * number)})
        return job_id

    @rule(job_id=jobs, verified=st.booleans())
    def save(self, job_id: str, verified: bool) -> None:
        if self._status(job_id) == "running":
            self.desk.save(job_id, verified=verified)

    @rule(job_id=jobs, batches=st.integers(1, 16), turn=st.integers(-5, 5))
    def train(self, job_id: str, batches: int, turn: int) -> None:
        if self._status(job_id) != "running":
            return
        for _ in range(batches):
            rows = []
            for _ in range(3):
                self.step += 1
                rows.append([self.step, None, self.desk.clock(), {"loss": float((self.step * turn) % 17)}])
            self.desk.tell(job_id, "rank-0", "metrics", rows=rows)

    @rule(job_id=jobs, saves=st.booleans(), action=st.sampled_from(["cancel", "pause"]))
    def leave(self, job_id: str, saves: bool, action: str) -> None:
        if self._status(job_id) == "running":
            getattr(self.desk, action)(job_id, f"{action}-1")
            self.desk.obey(job_id, save=saves)

    @rule(job_id=jobs, exit_code=st.sampled_from([0, 1]))
    def end(self, job_id: str, exit_code: int) -> None:
        if self._status(job_id) == "running":
            self.desk.exit(job_id, exit_code)

    @rule(target=jobs, job_id=jobs, runs=st.booleans())
    def resume(self, job_id: str, runs: bool) -> Any:
        if self._status(job_id) is None:
            return multiple()
        try:
            resumed = str(self.desk.resume(job_id)["job"]["id"])
        except Refusal as refusal:
            assert refusal.code in ("conflict", "no_checkpoint"), refusal
            return multiple()
        if runs and self._status(resumed) == "pending":
            self.desk.run(resumed)
            self._write_log(resumed)
        return multiple() if resumed == job_id else resumed

    @rule(job_id=jobs, which=st.integers(0, 2))
    def a_disk_loses_a_part(self, job_id: str, which: int) -> None:
        if self._status(job_id) is not None:
            for checkpoint in self.desk.jobs.checkpoints(job_id, None)[which : which + 1]:
                if self._path(job_id, checkpoint["id"]).is_dir():
                    self.desk.damage(job_id, checkpoint["id"])

    @rule(job_id=consumes(jobs))
    def forget(self, job_id: str) -> None:
        """Fewer jobs, so that more happens to each."""

    # And then

    @rule(days=st.sampled_from([0, 0.5, 2, 6, 6, 25]), scarce=st.booleans())
    def old_things_go(self, days: float, scarce: bool) -> None:
        self.desk.clock.now += days * DAY_SECONDS
        before = self._look()
        for _ in range(len(before) + 3):
            self._tidy(scarce)
            after = self._look()
            for job_id, was in before.items():
                if job_id in after:
                    self._is_what_it_was(was, after[job_id])
                else:
                    self._was_of_no_use(was, before)
            assert after.keys() <= before.keys()
            if after == before:
                return
            before = after
        raise AssertionError("it never comes to rest")

    def _is_what_it_was(self, was: Seen, now: Seen) -> None:
        if was.job["status"] not in FINAL:
            assert now.job == was.job
            assert (now.offered, now.good, now.has_log) == (was.offered, was.good, was.has_log)
        # A job may lose the job that went on from it, which is told.
        same = (
            "status",
            "end",
            "ended_at",
            "attempt",
            "last_checkpoint",
            "best_checkpoint",
            "latest_metrics",
        )
        assert {name: now.job[name] for name in same} == {name: was.job[name] for name in same}
        assert now.job["seq"] >= was.job["seq"]
        if was.good:
            assert now.good, "the only good one must not go"
        assert now.good == was.good & set(now.offered), "what is offered is there"
        for needed in ("last_checkpoint", "best_checkpoint"):
            if was.job[needed] is not None:
                assert was.job[needed]["id"] in now.offered
        self._the_curve_keeps_its_shape(was.columns, now.columns)
        assert len(now.events) >= min(len(was.events), EVENTS) or was.job["status"] in FINAL

    def _the_curve_keeps_its_shape(self, was: dict[str, Any], now: dict[str, Any]) -> None:
        steps, losses = was["step"], was["values"].get("loss", [])
        assert now["step"] == [step for step in steps if step in set(now["step"])], "no row is made up"
        if steps:
            assert (now["step"][0], now["step"][-1]) == (steps[0], steps[-1])
        if losses:
            kept = now["values"]["loss"]
            assert (min(kept), max(kept)) == (min(losses), max(losses))

    def _was_of_no_use(self, was: Seen, before: dict[str, Seen]) -> None:
        id_ = was.job["id"]
        assert was.job["status"] in FINAL
        age = self.desk.clock.now - unix_seconds(was.job["ended_at"])
        assert age > SECTION.jobs_days * DAY_SECONDS
        for other in before.values():
            began = other.job["resumed_from"]
            assert began is None or began["job_id"] != id_, "somebody began from it"
        assert not job_dir(self.place, id_).exists()

    # Looking

    def _tidy(self, scarce: bool) -> None:
        database = self.desk.jobs._database
        retention = Retention(
            *(database, self.desk.jobs, self.place, SECTION, ALONE),
            clock=lambda: self.desk.clock.now,
            free=lambda _: 0 if scarce else 1 << 50,
        )
        retention.look()
        self.desk.jobs.hold_launches(None)

    def _look(self) -> dict[str, Seen]:
        jobs, _ = self.desk.jobs.newest(None, [], None, LARGE)
        return {job["id"]: self._see(job) for job in jobs}

    def _see(self, job: dict[str, Any]) -> Seen:
        id_ = str(job["id"])
        offered = tuple(each["id"] for each in self.desk.jobs.checkpoints(id_, None))
        good = frozenset(each for each in offered if verify(self._path(id_, each)).ok)
        events = self._read_from_every_cursor(id_, job["seq"])
        columns = self.desk.jobs.metrics(id_, None)[1]
        return Seen(job, offered, good, self._log(id_).exists(), columns, events)

    def _read_from_every_cursor(self, job_id: str, seq: int) -> tuple[int, ...]:
        """Whoever goes on from anywhere gets everything from there on, as it was told before, or is told that
        he can't."""
        told = self.told.setdefault(job_id, {})
        longest: tuple[int, ...] = ()
        edges = {0, seq - EVENTS - 1, seq - EVENTS, seq - EVENTS + 1, seq - 1, seq}
        for cursor in sorted(edge for edge in edges if edge >= 0):
            found = self.desk.jobs.events_after(job_id, None, cursor, LARGE)
            if not found.whole:
                continue
            numbers = tuple(event["seq"] for event in found.events)
            assert numbers == tuple(range(cursor + 1, seq + 1))
            longest = max(longest, numbers, key=len)
            if numbers == longest:
                for event in found.events:
                    assert told.setdefault(event["seq"], event) == event
        return longest

    def _status(self, job_id: str) -> str | None:
        try:
            return self.desk.status(job_id)
        except Refusal:
            return None  # it went

    def _path(self, job_id: str, checkpoint_id: str) -> Path:
        return self.desk.checkpoints(job_id) / checkpoint_id

    def _log(self, job_id: str) -> Path:
        return RunDir.of(self.place, job_id, 1).output

    def _write_log(self, job_id: str) -> None:
        log = self._log(job_id)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("epoch 1")


class HistoriesOnPostgreSQL(Histories):
    store = "postgresql"


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistoriesOnPostgreSQL = HistoriesOnPostgreSQL.TestCase
TestHistoriesOnPostgreSQL.settings = settings(TestHistories.settings, max_examples=3)
