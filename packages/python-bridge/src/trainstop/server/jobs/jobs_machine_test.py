"""Whatever is asked and told, in whatever order: what must hold of jobs holds after every step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from trainstop.protocol.job import Job
from trainstop.protocol.receipt import RECEIPT_STAGES
from trainstop.rundir.clock import rfc3339, unix_seconds
from trainstop.server.jobs.cancel import URGENCY
from trainstop.server.jobs.conftest import Desk, open_desk
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import FINAL
from trainstop.server.testing.own_directory import in_memory

LARGE = 100_000
REFUSALS = {"conflict", "no_checkpoint", "invalid_request", "not_supported"}
RANK_FACTS = (
    *("attached", "schedule", "progress", "metrics", "acknowledged", "checkpoint", "checkpoint_failed"),
    *("checkpoint_removed", "left"),
)
SHIM_FACTS = ("started", "start_failed", "delivered", "term_sent", "kill_sent", "main_exited", "tree_gone")
SUPERVISOR_FACTS = ("launched", "launch_failed", "unsupervised", "exited", "gone", "expired", "unresponsive")
keys = st.none() | st.sampled_from(["k1", "k2", "k3"])


class Anything(RuleBasedStateMachine):
    store = "sqlite"
    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory(dir=in_memory())
        self._open = open_desk(Path(self._directory.name), max_running_jobs=3, store=self.store)
        self.desk: Desk = self._open.__enter__()
        self.seen: dict[str, dict[str, Any]] = {}
        self.ended_commands: dict[str, dict[str, Any]] = {}

    def teardown(self) -> None:
        try:
            self.everything_comes_to_an_end()
        finally:
            self._open.__exit__(None, None, None)
            self._directory.cleanup()

    @rule(target=jobs)
    def start(self) -> str:
        return self.desk.start()

    @rule(
        job_id=jobs,
        key=keys,
        mode=st.sampled_from([None, "graceful", "force", "checkpoint", "epoch"]),
        wait=st.none() | st.sampled_from([0, 60, 7200]),
        grace=st.none() | st.sampled_from([0, 5, 900]),
    )
    def cancel(
        self, job_id: str, key: str | None, mode: str | None, wait: int | None, grace: int | None
    ) -> None:
        final = self.desk.status(job_id) in FINAL
        try:
            answer = self.desk.cancel(job_id, key, mode=mode, wait_seconds=wait, grace_seconds=grace)
        except Refusal as refusal:
            assert refusal.code in ("not_supported", "invalid_request"), refusal
            return
        if key is None:
            assert (answer["outcome"] == "no_op") == final

    @rule(job_id=jobs, key=keys, hold=st.booleans())
    def pause(self, job_id: str, key: str | None, hold: bool) -> None:
        try:
            self.desk.pause(job_id, key, hold=hold)
        except Refusal as refusal:
            assert refusal.code in REFUSALS, refusal

    @rule(target=jobs, job_id=jobs, key=keys, from_=st.sampled_from([None, "last", "best", "step-00000001"]))
    def resume(self, job_id: str, key: str | None, from_: str | None) -> Any:
        try:
            answer = self.desk.resume(job_id, key, **{"from": from_})
        except Refusal as refusal:
            assert refusal.code in REFUSALS, refusal
            return multiple()
        id_ = answer["job"]["id"]
        return id_ if id_ != job_id else multiple()

    @rule(job_id=jobs)
    def claim(self, job_id: str) -> None:
        job = self.desk.job(job_id)
        if self.desk.jobs.claim_launch(job_id, job["attempt"]):
            assert job["status"] == "pending"

    @rule(job_id=jobs)
    def run_it(self, job_id: str) -> None:
        job = self.desk.job(job_id)
        if self.desk.jobs.claim_launch(job_id, job["attempt"]):
            self.desk.tell(job_id, "shim", "started", pid=7, start_ticks=1)
            self.desk.attach(job_id)

    @rule(job_id=jobs, save=st.booleans())
    def obey(self, job_id: str, save: bool) -> None:
        command = self.desk.job(job_id)["command"]
        if command is not None and (command["action"] != "resume" or self.desk.job(job_id)["held"]):
            self.desk.obey(job_id, save=save)

    @rule(job_id=jobs)
    def its_time_is_up(self, job_id: str) -> None:
        """What supervision tells of a command that never kills."""
        before = self.desk.job(job_id)
        if before["command"] is not None:
            self.desk.tell(job_id, "supervisor", "expired", command_id=before["command"]["id"])
            if before["status"] == "stopping":
                assert self.desk.job(job_id) == before

    @rule(job_id=jobs, exit_code=st.sampled_from([0, 1]))
    def it_crashes_or_ends(self, job_id: str, exit_code: int) -> None:
        if self.desk.jobs.supervised_job(job_id) is not None:
            self.desk.exit(job_id, exit_code)

    @rule(job_id=jobs)
    def a_checkpoint_is_damaged(self, job_id: str) -> None:
        for checkpoint in self.desk.jobs.checkpoints(job_id, None):
            if checkpoint["verified"] and (self.desk.checkpoints(job_id) / checkpoint["id"]).is_dir():
                self.desk.damage(job_id, checkpoint["id"])
                return

    @rule(seconds=st.sampled_from([1, 61, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.desk.clock.now += seconds

    @rule(job_id=jobs, verified=st.booleans())
    def save(self, job_id: str, verified: bool) -> None:
        self.desk.save(job_id, verified=verified)

    @rule(
        job_id=jobs,
        type_=st.sampled_from(RANK_FACTS),
        rank=st.sampled_from(["rank-0", "rank-1"]),
        number=st.none() | st.integers(-3, 900),
        old=st.booleans(),
    )
    def training_tells(self, job_id: str, type_: str, rank: str, number: int | None, old: bool) -> None:
        moment = self.desk.clock()
        self.desk.tell(
            job_id,
            rank,
            type_,
            **{"command_id": self._some_command(job_id, old), "step": number, "epoch": number},
            **{"checkpoint_id": "step-00000001", "save_every": number, "epochs": old},
            **{"best": {"metric": "loss", "mode": "min"} if old else None},
            **{
                "reason": ["finished", "pause", "cancel", "error"][(number or 0) % 4],
                "error": "No space left on device",
                "total_steps": number,
            },
            **{"rows": [[number, 1, moment, {"loss": 0.5, "lr": "NaN"}], [None, None, moment, {"lr": 1}]]},
        )

    @rule(
        job_id=jobs,
        type_=st.sampled_from(SHIM_FACTS),
        number=st.none() | st.integers(-1, 15),
        old=st.booleans(),
    )
    def shim_tells(self, job_id: str, type_: str, number: int | None, old: bool) -> None:
        if type_ == "started" and job_id not in self._claimed():
            return  # nor is there a shim that could start anything
        told = {"ranks": number, "exit_code": number, "signal": number, "error": "no such file"}
        self.desk.tell(job_id, "shim", type_, command_id=self._some_command(job_id, old), **told)

    @rule(
        job_id=jobs,
        type_=st.sampled_from(SUPERVISOR_FACTS),
        exit_code=st.none() | st.sampled_from([0, 0, 1, 137]),
        signal=st.none() | st.sampled_from([9, 15, 99]),
        old=st.booleans(),
    )
    def supervisor_tells(
        self, job_id: str, type_: str, exit_code: int | None, signal: int | None, old: bool
    ) -> None:
        if type_ == "launched" and job_id not in self._claimed():
            return  # a supervisor launches only what it has claimed a place for
        told = {"exit_code": exit_code, "signal": signal, "error": None}
        self.desk.tell(job_id, "supervisor", type_, command_id=self._some_command(job_id, old), **told)

    @rule(job_id=jobs, attempt=st.integers(1, 2))
    def an_earlier_attempt_is_told_of(self, job_id: str, attempt: int) -> None:
        before = self.desk.job(job_id)
        if attempt < before["attempt"]:
            fact = {
                "at": rfc3339(self.desk.clock()),
                "type": "exited",
                "source": "supervisor",
                "exit_code": 1,
            }
            self.desk.jobs.record(job_id, attempt, [fact], {"shim.jsonl": 10})
            assert self.desk.job(job_id) == before

    @rule(job_id=consumes(jobs))
    def forget(self, job_id: str) -> None:
        """Fewer jobs, so that more happens to each."""

    @invariant()
    def what_must_hold_holds(self) -> None:
        jobs, _ = self.desk.jobs.newest(None, [], None, LARGE)
        for job in jobs:
            before = self.seen.get(job["id"])
            if before == job:
                continue
            self.seen[job["id"]] = job
            Job.model_validate(job)
            self._moves_on(before, job)
            self._replays(job)
            self._commands_end_once(job)
        assert len(self._claimed()) <= 3
        for supervised in self.desk.jobs.supervised():
            assert self.desk.jobs.supervised_job(supervised.job_id) == supervised

    def _claimed(self) -> set[str]:
        return {job.job_id for job in self.desk.jobs.supervised() if job.claimed}

    def _moves_on(self, before: dict[str, Any] | None, job: dict[str, Any]) -> None:
        if before is None:
            return
        assert job["seq"] > before["seq"]
        assert job["status_version"] >= before["status_version"]
        assert job["attempt"] >= before["attempt"]
        if before["status"] in FINAL:
            assert (job["status"], job["end"], job["ended_at"]) == (
                before["status"],
                before["end"],
                before["ended_at"],
            )
        self._a_stop_is_only_hastened(before["command"], job["command"])
        if (job["status"], job["command"]) != (before["status"], before["command"]):
            assert job["status_version"] > before["status_version"]

    def _a_stop_is_only_hastened(self, before: dict[str, Any] | None, now: dict[str, Any] | None) -> None:
        if before is None or now is None or before["id"] != now["id"] or before["action"] != "cancel":
            return
        for moment in ("term_at", "deadline"):
            assert unix_seconds(now[moment]) <= unix_seconds(before[moment])
        assert URGENCY[now["mode"]] >= URGENCY[before["mode"]]
        if now["wait_until"] is not None:
            assert unix_seconds(now["wait_until"]) <= unix_seconds(before["wait_until"])

    def _replays(self, job: dict[str, Any]) -> None:
        """The events alone, from the first on, give the job."""
        replayed: dict[str, Any] = {}
        endings = 0
        events = self.desk.events(job["id"])
        assert [event["seq"] for event in events] == list(range(1, job["seq"] + 1))
        for event in events:
            if event["type"] == "job":
                endings += event["data"]["status"] in FINAL and replayed.get("status") not in FINAL
                replayed = dict(event["data"])
            elif event["type"] == "metrics":
                replayed |= {name: event["data"][name] for name in ("progress", "latest_metrics")}
            replayed |= {"seq": event["seq"], "updated_at": event["at"]}
        assert replayed == job
        assert endings == (job["status"] in FINAL)

    def _commands_end_once(self, job: dict[str, Any]) -> None:
        commands = self.desk.jobs.commands(job["id"], None)
        active = [command for command in commands if command["status"] == "active"]
        assert active == ([] if job["command"] is None else [job["command"]])
        if job["status"] in FINAL or (job["status"] == "paused" and not job["held"]):
            assert active == []
        if job["held"]:
            assert job["status"] == "paused"
            assert [command["action"] for command in active] in ([], ["resume"])
            assert self.desk.control(job["id"]) is not None
        if job["status"] in ("pausing", "stopping"):
            assert [command["action"] for command in active] == [
                {"pausing": "pause", "stopping": "cancel"}[job["status"]]
            ]
        for command in commands:
            stages = [receipt["stage"] for receipt in command["receipts"]]
            assert stages == [stage for stage in RECEIPT_STAGES if stage in stages]
            if command["status"] == "active":
                assert command["ended_at"] is None
                continue
            outcome = {name: command[name] for name in ("status", "ended_at", "superseded_by", "message")}
            assert self.ended_commands.setdefault(command["id"], outcome) == outcome
            # Whether a resumed script took the checkpoint is told after its resume has ended.
            missing = set(RECEIPT_STAGES) - set(stages)
            assert missing <= ({"acknowledged"} if command["action"] == "resume" else set())

    def everything_comes_to_an_end(self) -> None:
        for supervised in self.desk.jobs.supervised():
            self.desk.cancel(supervised.job_id)
            if self.desk.status(supervised.job_id) == "stopping":
                self.desk.exit(supervised.job_id, None, 9)
        assert self.desk.jobs.supervised() == []
        jobs, _ = self.desk.jobs.newest(None, [], None, LARGE)
        for job in jobs:
            assert job["status"] in FINAL or job["status"] == "paused"
            for command in self.desk.jobs.commands(job["id"], None):
                assert command["status"] != "active"
                assert [receipt["stage"] for receipt in command["receipts"]] == list(RECEIPT_STAGES)

    def _some_command(self, job_id: str, old: bool) -> str | None:
        commands = self.desk.jobs.commands(job_id, None)
        if not commands:
            return None
        return str(commands[-1 if old else 0]["id"])


class AnythingOnPostgreSQL(Anything):
    store = "postgresql"


TestAnything = Anything.TestCase
TestAnything.settings = settings(
    max_examples=20,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnythingOnPostgreSQL = AnythingOnPostgreSQL.TestCase
TestAnythingOnPostgreSQL.settings = settings(TestAnything.settings, max_examples=5)
