"""A server without its HTTP side, real shims and real training scripts, in a directory of their own; whatever
a test started on the machine is swept away at its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from trainstop.gpu.conftest import machine  # noqa: F401 - a fixture, for the tests here too
from trainstop.protocol.control import CancelOptions, PauseOptions, ResumeOptions, StartRequest
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.asked import Asked
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.supervision_view import Launching
from trainstop.server.store.database import Database
from trainstop.server.store_place import DATABASE_NAME
from trainstop.server.supervision import attempt as attempt_module
from trainstop.server.supervision.launch import launch
from trainstop.server.supervision.supervisor import Supervisor
from trainstop.server.templates.param import Param
from trainstop.server.templates.template import Template
from trainstop.shim import conftest as shim_conftest
from trainstop.shim.process_tree import marked_tree

T = TypeVar("T")

attempt = shim_conftest.attempt
"""The fixture: a real shim and its job, with no server."""

WAIT_SECONDS = 90.0
"""What a test waits for an event that must come. Reached only when it doesn't."""

TRAINING = """
import subprocess, sys, time, trainstop

with open("tally", "a") as tally:
    tally.write("started ")
steps, save_seconds, leaves_behind = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
if leaves_behind:
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
with trainstop.run(total_steps=steps) as run:
    step = int((run.resume_path / "step").read_text()) if run.resume_path else 0
    while step < steps:
        step += 1
        run.log({"loss": 1 / step}, step=step)
        turn = run.end_step(step, save_every=200)
        if turn.save:
            with run.checkpoint(step=step) as path:
                (path / "step").write_text(str(step))
                time.sleep(save_seconds if turn.stop else 0)
        if turn.stop:
            break
        time.sleep(0.002)
"""
"""Obeys. Its arguments: steps, how long the save of a stop takes, whether it leaves a process behind."""

DEAF = """
import signal, subprocess

signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(2):
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
open("ready", "w").close()
while True:
    signal.pause()
"""
"""Knows nothing of Trainstop, ignores SIGTERM, has children in sessions of their own."""

POLITE = """
import signal, sys, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
open("ready", "w").close()
while True:
    time.sleep(1000)
"""
"""Knows nothing of Trainstop, and takes SIGTERM for a wish to end well."""

ENDLESS = "1000000000"


def until(look: Callable[[], T | None], what: str) -> T:
    """Wait until `look` gives something true, and return that."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() >= ends:
            raise AssertionError(f"waited {WAIT_SECONDS:g} s in vain for {what}")
        time.sleep(0.01)


async def until_async(look: Callable[[], T | None], what: str) -> T:
    """The same, while the event loop goes on. `look` may block for a moment."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        found = await asyncio.to_thread(look)
        if found:
            return found
        if time.monotonic() >= ends:
            raise AssertionError(f"waited {WAIT_SECONDS:g} s in vain for {what}")
        await asyncio.sleep(0.01)


class Desk:
    """What people do with jobs, and what they see of them."""

    def __init__(self, place: Path, *, max_running_jobs: int = 0, store: Path | None = None) -> None:
        """`store`: the database's directory, where it is not the jobs' own."""
        self.place = place
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        arguments = ("steps", "save_seconds", "leaves_behind")
        templates = (
            _template(place, "training", TRAINING, arguments),
            _template(place, "deaf", DEAF, ()),
            _template(place, "polite", POLITE, ()),
        )
        self.database = Database((store or place) / DATABASE_NAME)
        self.jobs = Jobs(
            self.database, Launching(place, env, max_running_jobs), {each.id: each for each in templates}
        )

    def start(
        self, *, template: str = "training", steps: str = ENDLESS, save_seconds: str = "0", leaves: str = ""
    ) -> str:
        params: dict[str, Any] = {}
        if template == "training":
            params = {"steps": steps, "save_seconds": save_seconds, "leaves_behind": leaves}
        return str(self.jobs.start(StartRequest(template=template, params=params), _asked())["id"])

    def cancel(self, job_id: str, **options: Any) -> str:
        result = self.jobs.cancel(job_id, CancelOptions(**options), _asked())
        return str(result["command"]["id"])

    def pause(self, job_id: str, **options: Any) -> str:
        return str(self.jobs.pause(job_id, PauseOptions(**options), _asked())["command"]["id"])

    def resume(self, job_id: str) -> None:
        self.jobs.resume(job_id, ResumeOptions(), _asked())

    def job(self, job_id: str) -> dict[str, Any]:
        return self.jobs.job(job_id, None)

    def run(self, job_id: str, attempt: int = 1) -> RunDir:
        return RunDir.of(self.place, job_id, attempt)

    def steps(self, job_id: str) -> list[int]:
        """The step of every metrics row in the store."""
        return list(self.jobs.metrics(job_id, None)[1]["step"])

    def events(self, job_id: str) -> list[dict[str, Any]]:
        return self.jobs.events_after(job_id, None, 0, 1_000_000).events

    def statuses(self, job_id: str) -> list[str]:
        """Every status the job was seen in, in order; an end counts each time it is told."""
        told = [event["data"]["status"] for event in self.events(job_id) if event["type"] == "job"]
        return [s for n, s in enumerate(told) if n == 0 or s != told[n - 1] or s in ENDS]

    def receipts(self, job_id: str) -> dict[str, dict[str, Any]]:
        """Stage → receipt of the last command, which has one of each stage, in order, or the test fails."""
        job = self.job(job_id)
        receipts = (job["command"] or job["last_command"])["receipts"]
        stages = [receipt["stage"] for receipt in receipts]
        assert stages == [stage for stage in STAGES if stage in stages]
        return {receipt["stage"]: receipt for receipt in receipts}

    def ended(self, job_id: str) -> dict[str, Any] | None:
        job = self.job(job_id)
        return job if job["status"] in ENDS else None

    def is_training(self, job_id: str, beyond: int = 0) -> bool:
        return len(self.steps(job_id)) > beyond

    def told(self, job_id: str, type_: str, attempt: int = 1) -> list[dict[str, Any]]:
        """Facts of a type in the shim's and the ranks' journals."""
        run = self.run(job_id, attempt)
        paths = [run.shim_journal, run.path / "supervisor.jsonl", *run.rank_journals()]
        return [fact for path in paths for fact in read_facts(path, 0, 1 << 30)[0] if fact["type"] == type_]

    def expect_nobody_left(self, job_id: str) -> None:
        """By now every process of the run is gone. Its shim ends by itself, having written its last word."""
        assert marked_tree(self.run(job_id, self.job(job_id)["attempt"]).path) == []
        until(lambda: processes_of(self.place) == [], "the shim to go")

    def close(self) -> None:
        self.database.close()


ENDS = ("cancelled", "completed", "failed")
STAGES = (
    *("requested", "accepted", "delivered", "acknowledged", "checkpoint_saved"),
    *("process_exited", "resources_released"),
)


def _asked() -> Asked:
    return Asked({"type": "user", "id": "u", "name": None}, None, None, rfc3339(now()))


def _template(place: Path, name: str, script: str, arguments: tuple[str, ...]) -> Template:
    path = place / f"{name}.py"
    if not path.exists():
        path.write_text(script)
    return Template(
        id=name,
        title=name,
        description=None,
        command=("{python}", str(path), *(f"{{{each}}}" for each in arguments)),
        cwd=str(place),
        env={},
        params={each: Param(each, "string", each, default="") for each in arguments},
    )


@asynccontextmanager
async def supervised(desk: Desk) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(desk.jobs, desk.place)
    await supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


def serve(place: str, dies: str) -> None:
    """A server that runs until it is killed. `dies`: by its own hand "before" or "after" launching a shim."""

    def deadly_launch(*arguments: Any) -> None:
        if dies == "after":
            launch(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    if dies != "never":
        setattr(attempt_module, "launch", deadly_launch)  # noqa: B010 - a name it imported

    async def forever() -> None:
        async with supervised(Desk(Path(place))):
            print("serving", flush=True)
            await asyncio.Event().wait()

    asyncio.run(forever())


@contextmanager
def serving(
    place: Path, *, dies: str = "never", python: str | Path = sys.executable
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process of its own, killed with -9 at the end of the block."""
    code = f"from trainstop.server.supervision.conftest import serve; serve({str(place)!r}, {dies!r})"
    with subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if dies == "never":
                assert process.stdout.readline() == b"serving\n"
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def served(place: Path, config: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """`trainstop serve` in this data directory, and a client of it; killed with -9 at the end."""
    command = [sys.executable, "-m", "trainstop.cli", "serve", "--port", "0", "--data", str(place)]
    with (
        (config.parent / "server.log").open("ab") as log,
        subprocess.Popen([*command, "--config", str(config)], stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            assert line.startswith("Trainstop server: "), (config.parent / "server.log").read_text()
            headers = {"Authorization": f"Bearer {(place / 'token').read_text().strip()}"}
            url = line.rpartition(" ")[2].strip()
            with httpx.Client(base_url=url, headers=headers, timeout=WAIT_SECONDS) as client:
                yield process, client
        finally:
            process.kill()
            process.wait()


def processes_of(directory: Path) -> list[int]:
    """Everybody who was started with this directory in arguments or environment: shims, jobs, servers."""
    found = []
    wanted = os.fsencode(directory)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if wanted in told:
                found.append(int(entry.name))
    return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory; whoever was started in its name is killed at the end of the test."""
    directory = tmp_path.resolve() / "place"
    directory.mkdir()
    yield directory
    sweep_place(directory)


def sweep_place(directory: Path) -> None:
    def nobody_left() -> bool:
        left = processes_of(directory)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not left

    until(nobody_left, "the test's processes to die")
    shim_conftest.remove_cgroups(directory)


@pytest.fixture
def desk(place: Path) -> Iterator[Desk]:
    desk = Desk(place)
    yield desk
    desk.close()
