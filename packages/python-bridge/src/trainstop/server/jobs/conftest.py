"""Jobs on a real store, a clock that a test turns, and runs whose facts a test tells."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trainstop.checkpoints.saving import Save
from trainstop.protocol.control import CancelOptions, PauseOptions, ResumeOptions, StartRequest
from trainstop.rundir.clock import rfc3339
from trainstop.server.conftest import open_store
from trainstop.server.jobs.asked import Asked
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.supervision_view import Launching
from trainstop.server.templates.param import Param
from trainstop.server.templates.template import Template

TEMPLATE = Template(
    id="digits",
    title="Digits",
    description=None,
    command=("{python}", "train.py", "--epochs", "{epochs}", "{note}"),
    cwd="/tmp",
    env={"COLOUR": "off"},
    params={
        "epochs": Param("epochs", "integer", "Epochs", 10, 1, 100),
        "note": Param("note", "string", "Note", "none"),
    },
)


class Clock:
    """Every look takes a millisecond, so that what is later has a later time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class Desk:
    """Someone who presses buttons, and the machine that answers with facts."""

    def __init__(self, jobs: Jobs, clock: Clock) -> None:
        self.jobs = jobs
        self.clock = clock
        self.saved = 0

    def asked(self, key: str | None = None, owner: str | None = None) -> Asked:
        actor = {"type": "user", "id": "u1", "name": "Ada"}
        return Asked(actor=actor, owner=owner, idempotency_key=key, at=rfc3339(self.clock()))

    def start(self, owner: str | None = None, **params: Any) -> str:
        request = StartRequest(template="digits", params=params)
        return str(self.jobs.start(request, self.asked(owner=owner))["id"])

    def cancel(self, job_id: str, key: str | None = None, **options: Any) -> dict[str, Any]:
        return self.jobs.cancel(job_id, CancelOptions.model_validate(options), self.asked(key))

    def pause(self, job_id: str, key: str | None = None, **options: Any) -> dict[str, Any]:
        return self.jobs.pause(job_id, PauseOptions.model_validate(options), self.asked(key))

    def resume(self, job_id: str, key: str | None = None, **options: Any) -> dict[str, Any]:
        return self.jobs.resume(job_id, ResumeOptions.model_validate(options), self.asked(key))

    def job(self, job_id: str) -> dict[str, Any]:
        return self.jobs.job(job_id, None)

    def status(self, job_id: str) -> str:
        return str(self.job(job_id)["status"])

    def command(self, job_id: str) -> dict[str, Any]:
        """The newest one."""
        return self.jobs.commands(job_id, None)[0]

    def receipts(self, job_id: str) -> dict[str, str]:
        return {each["stage"]: each["state"] for each in self.command(job_id)["receipts"]}

    def events(self, job_id: str) -> list[dict[str, Any]]:
        return self.jobs.events_after(job_id, None, 0, 100_000).events

    def tell(self, job_id: str, source: str, type_: str, **fact: Any) -> None:
        """Record one fact of the job's current attempt, seen now."""
        told = {"at": rfc3339(self.clock()), "type": type_, "source": source, **fact}
        self.jobs.record(job_id, int(self.job(job_id)["attempt"]), [told], {})

    def run(self, job_id: str) -> None:
        """Launch the current attempt and let its script enter `trainstop.run`."""
        attempt = self.job(job_id)["attempt"]
        assert self.jobs.claim_launch(job_id, attempt)
        self.tell(job_id, "supervisor", "launched")
        self.tell(job_id, "shim", "started", pid=7, start_ticks=1)
        spec = self.spec(job_id)
        self.attach(job_id, spec["resume"] and spec["resume"]["checkpoint_id"])

    def running(self, owner: str | None = None) -> str:
        job_id = self.start(owner)
        self.run(job_id)
        return job_id

    def attach(self, job_id: str, resumed_from: str | None = None, **more: Any) -> None:
        told = {"pid": 7, "start_ticks": 1, "version": "0", "resumed_from": resumed_from}
        self.tell(job_id, "rank-0", "attached", total_steps=780, total_epochs=10, **told, **more)

    def spec(self, job_id: str) -> dict[str, Any]:
        return self.jobs.spec(job_id, int(self.job(job_id)["attempt"]))

    def control(self, job_id: str) -> dict[str, Any] | None:
        """What control.json says."""
        supervised = self.jobs.supervised_job(job_id)
        assert supervised is not None
        return None if supervised.control is None else dict(supervised.control)

    def active(self, job_id: str) -> str:
        """Id of the command under way."""
        return str(self.job(job_id)["command"]["id"])

    def acknowledge(self, job_id: str) -> None:
        self.tell(job_id, "rank-0", "acknowledged", command_id=self.active(job_id), step=self.saved + 1)

    def save(
        self,
        job_id: str,
        *,
        command_id: str | None = None,
        verified: bool = True,
        save_seconds: float = 0.5,
        metrics: dict[str, Any] | None = None,
    ) -> str:
        """A checkpoint, on the disk too where it is one."""
        self.saved += 1
        metrics = {"loss": 0.5} if metrics is None else metrics
        id_, path = f"step-{self.saved:08d}", None
        if verified:
            save = Save(self.checkpoints(job_id), self.saved)
            (save.path / "weights.bin").write_text("weights")
            manifest = {"job_id": job_id, "attempt": 1, "epoch": 1, "metrics": metrics}
            save.publish(**manifest, reason="manual", save_seconds=save_seconds)  # type: ignore[arg-type]
            id_, path = save.checkpoint_id, save.path
        self.tell(
            job_id,
            "rank-0",
            "checkpoint",
            **{"checkpoint_id": id_, "step": self.saved, "epoch": 1, "bytes": 7, "files": 1},
            **{"save_seconds": save_seconds, "reason": "manual", "metrics": metrics},
            **{"command_id": command_id, "path": str(path), "verified": verified},
            **{"problem": None if verified else "weights.npz is missing", "saved_at": rfc3339(self.clock())},
        )
        return id_

    def checkpoints(self, job_id: str) -> Path:
        """Where they lie."""
        return self.jobs._launching.data_dir / "jobs" / job_id / "checkpoints"

    def damage(self, job_id: str, checkpoint_id: str) -> None:
        """It lay there whole, and then the disk lost a part of it."""
        (self.checkpoints(job_id) / checkpoint_id / "weights.bin").write_text("wei")

    def leave(self, job_id: str, reason: str) -> None:
        self.tell(job_id, "rank-0", "left", reason=reason, command_id=None, step=self.saved)

    def exit(self, job_id: str, exit_code: int | None = 0, signal: int | None = None) -> None:
        """The main process ends, the tree is gone, the shim concludes."""
        self.tell(job_id, "shim", "main_exited", exit_code=exit_code, signal=signal)
        self.tell(job_id, "shim", "tree_gone", proven=True, detail=None)
        self.tell(job_id, "shim", "resources", state="not_measured", detail="No GPU was seen.")
        gone = {"main_exited_at": rfc3339(self.clock()), "tree_gone_at": rfc3339(self.clock())}
        ended = {"exit_code": exit_code, "signal": signal, "error": None, **gone}
        self.tell(job_id, "supervisor", "exited", **ended)

    def obey(self, job_id: str, *, save: bool = True) -> None:
        """The script does what the command under way asks: it leaves, stands still, or goes on."""
        command = self.job(job_id)["command"]
        self.tell(job_id, "shim", "delivered", command_id=command["id"], ranks=1)
        self.acknowledge(job_id)
        if command["hold"] or command["action"] == "resume":
            return
        if save:
            self.save(job_id, command_id=command["id"])
        self.leave(job_id, command["action"])
        self.exit(job_id)

    def held(self) -> str:
        """A job whose run stands still."""
        job_id = self.running()
        self.pause(job_id, hold=True)
        self.acknowledge(job_id)
        return job_id

    def stopped(self, *, save: bool = True) -> str:
        job_id = self.running()
        self.cancel(job_id)
        self.obey(job_id, save=save)
        return job_id

    def paused(self, *, save: bool = True) -> str:
        job_id = self.running()
        self.pause(job_id)
        self.obey(job_id, save=save)
        return job_id


@contextlib.contextmanager
def open_desk(data_dir: Path, *, max_running_jobs: int = 0, store: str = "sqlite") -> Iterator[Desk]:
    clock = Clock()
    launching = Launching(data_dir, {"PATH": "/bin"}, max_running_jobs)
    with open_store(store, data_dir) as database:
        yield Desk(Jobs(database, launching, {"digits": TEMPLATE}, clock=clock), clock)


@pytest.fixture
def desk(memory: Path, store_kind: str) -> Iterator[Desk]:
    """Over each store."""
    with open_desk(memory, store=store_kind) as desk:
        yield desk


@pytest.fixture
def desk_with(memory: Path, store_kind: str) -> Iterator[Callable[[int], Desk]]:
    """A desk where only so many jobs may run at once."""
    with contextlib.ExitStack() as stack:
        yield lambda limit: stack.enter_context(open_desk(memory, max_running_jobs=limit, store=store_kind))
