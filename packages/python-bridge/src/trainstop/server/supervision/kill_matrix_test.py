"""`kill -9` of everybody at every moment: the table in docs/supervision.md, cell by cell."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.process_identity import process_stat
from trainstop.server.supervision.conftest import STAGES, Desk, served, sweep_place, until
from trainstop.shim.process_tree import marked_tree

PAGE = Path(__file__).parents[6] / "docs" / "supervision.md"
VICTIMS = ("server", "shim", "main process", "one child")

SCRIPT = """#!{python}
import os, subprocess, sys, time, trainstop

os.chdir(sys.argv[1])
with open("tally", "a") as tally:
    tally.write("started ")

def meet(gate):
    if os.path.exists(gate):
        open(gate + ".met", "w").close()
        open(gate).read()  # until the test opens it

with trainstop.run(total_steps=10**9) as run:
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with open("child.new", "w") as file:
        file.write(str(child.pid))
    os.rename("child.new", "child")
    step = int((run.resume_path / "step").read_text()) if run.resume_path else 0
    while not os.path.exists("finish"):
        step += 1
        meet("step")
        run.log({{"loss": 1 / step}}, step=step)
        turn = run.end_step(step)
        if turn.save:
            with run.checkpoint(step=step) as path:
                (path / "step").write_text(str(step))
                meet("save")
        if turn.stop:
            break
        time.sleep(0.002)
"""
"""Leaves a child in a session of its own behind. Halts in a step, or in a save, where a gate was put up."""

CONFIG = """
[server]
max_running_jobs = {places}

[templates.gated]
command = ["{{here}}/program", "{{here}}"]
params.here = {{ type = "string" }}
"""


class House:
    """A real server's data directory, seen through a desk."""

    def __init__(self, place: Path, places: int = 0) -> None:
        self.place = place
        self.config = place / "trainstop.toml"
        self.config.write_text(CONFIG.format(places=places))
        self.desk = Desk(place)
        self._server = ExitStack()
        self.client: httpx.Client | None = None

    def open(self) -> None:
        process, self.client = self._server.enter_context(served(self.place, self.config))
        self.server_pid = process.pid

    def kill(self) -> None:
        """The server, with -9; returns when it is dead."""
        self.client = None
        self._server.close()

    def close(self) -> None:
        self.kill()
        self.desk.close()
        sweep_place(self.place)

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert self.client is not None
        answer = self.client.post(path, json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())


class Run:
    """One run, with gates in its way."""

    def __init__(self, house: House, *gates: str) -> None:
        self.house = house
        self.here = Path(tempfile.mkdtemp(dir=house.place))
        program = self.here / "program"
        program.write_text(SCRIPT.format(python=sys.executable))
        program.chmod(0o700)
        for gate in gates:
            self.put_up(gate)

    def start(self) -> None:
        answer = self.house.ask("/jobs", {"template": "gated", "params": {"here": str(self.here)}})
        self.id = str(answer["job"]["id"])

    def put_up(self, gate: str) -> None:
        os.mkfifo(self.here / gate)

    def meets(self, gate: str) -> None:
        until((self.here / f"{gate}.met").exists, f"the run to halt at its {gate}")

    def open(self, gate: str) -> None:
        path = self.here / gate
        descriptor = os.open(path, os.O_WRONLY)
        path.unlink()
        os.close(descriptor)

    def finish(self) -> None:
        (self.here / "finish").touch()

    def ask(self, action: str, **options: Any) -> None:
        self.house.ask(f"/{action}/{self.id}", options)
        until(lambda: self.told("delivered"), "the delivery")

    def told(self, type_: str) -> list[dict[str, Any]]:
        return self.house.desk.told(self.id, type_)

    @property
    def job(self) -> dict[str, Any]:
        return self.house.desk.job(self.id)

    def trains(self) -> None:
        """Waits until it has gone a step further, which its journal says, server or no server."""
        before = self._steps()
        until(lambda: self._steps() > before, "a step")
        until((self.here / "child").exists, "the child")

    def recorded(self) -> None:
        before = len(self.house.desk.steps(self.id))
        until(lambda: len(self.house.desk.steps(self.id)) > before, "a step in the store")

    def is_(self, what: str) -> None:
        until(lambda: what in (self.job["status"], self.job["health"]), what)

    def _steps(self) -> int:
        return sum(len(fact["rows"]) for fact in self.told("metrics"))

    def kill(self, victim: str) -> None:
        if victim == "server":
            self.house.kill()
            return
        shim = read_json(self.house.desk.run(self.id).shim_identity) or {}
        if victim == "shim":
            pid = shim["pid"]
        elif victim == "main process":
            pid = self.told("starting")[0]["pid"]
        else:
            pid = int((self.here / "child").read_text())
        os.kill(pid, signal.SIGKILL)
        until(lambda: (process_stat(pid) or "Z")[0] == "Z", "the death")

    def survives(self, victim: str) -> None:
        """What everybody sees who is left."""
        if victim == "shim":
            self.is_("unsupervised")

    def goes_on(self, victim: str) -> None:
        """The next server, where the first was killed."""
        if victim == "server":
            self.house.open()


@contextmanager
def not_yet_its_own_program(run: Run) -> Iterator[None]:
    """The start hangs at the exec, as on a slow disk: a lease on the program makes whoever opens it wait."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    lease = os.open(run.here / "program", os.O_RDONLY)
    fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        run.start()
        until(lambda: run.told("starting"), "the start")
        yield
    finally:
        os.close(lease)
        signal.signal(signal.SIGIO, before)


def pending(run: Run, victim: str) -> None:
    first = Run(run.house)
    first.start()
    run.start()
    first.trains()
    assert run.job["status"] == "pending"
    assert not run.house.desk.run(run.id).path.exists()
    run.kill(victim)
    run.goes_on(victim)
    first.finish()
    run.trains()
    run.finish()


def starting(run: Run, victim: str) -> None:
    with not_yet_its_own_program(run):
        assert run.job["status"] == "pending"
        run.kill(victim)
        run.survives(victim)
    if victim == "main process":
        return
    run.trains()
    run.goes_on(victim)
    if victim == "shim":
        run.ask("cancel")
    run.finish()


def running(run: Run, victim: str) -> None:
    run.start()
    run.trains()
    run.recorded()
    run.kill(victim)
    run.survives(victim)
    if victim == "main process":
        return
    run.trains()
    run.goes_on(victim)
    run.recorded()
    if victim == "shim":
        run.ask("cancel")
    else:
        run.finish()


def asked(run: Run, victim: str, action: str, gate: str, **options: Any) -> None:
    """Killed while the run, asked for something, halts at a gate, which is then opened."""
    run.put_up(gate)
    run.start()
    if gate == "save":
        run.trains()
    else:
        run.meets(gate)
    run.ask(action, **options)
    run.meets(gate)
    run.kill(victim)
    if victim == "main process":
        return
    run.survives(victim)
    run.open(gate)
    if victim == "server":
        until(run.house.desk.run(run.id).exit_record.exists, "the end, with no server")
    run.goes_on(victim)


def pausing(run: Run, victim: str) -> None:
    asked(run, victim, "pause", "step", grace_seconds=3600)


def saving(run: Run, victim: str) -> None:
    asked(run, victim, "cancel", "save", grace_seconds=3600)


def stopping(run: Run, victim: str) -> None:
    run.put_up("step")
    run.start()
    run.meets("step")
    run.ask("cancel", grace_seconds=3600 if victim == "main process" else 1.5)
    run.kill(victim)
    if victim == "server":
        until(run.house.desk.run(run.id).exit_record.exists, "the end, with no server")
    run.goes_on(victim)


def paused(run: Run, victim: str) -> None:
    run.start()
    run.trains()
    run.ask("pause")
    run.is_("paused")
    run.kill(victim)
    run.goes_on(victim)
    assert run.job["status"] == "paused"
    run.finish()
    run.house.ask(f"/resume/{run.id}", {})


STATES: dict[str, Callable[[Run, str], None]] = {
    each.__name__: each for each in (pending, starting, running, pausing, saving, stopping, paused)
}


def cells() -> dict[tuple[str, str], str]:
    """(state, victim) → what the page says."""
    rows = [
        [word.strip() for word in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("|") and "---" not in line
    ]
    head = rows.index(["at", *VICTIMS])
    table: dict[tuple[str, str], str] = {}
    for state, *said in rows[head + 1 : head + 1 + len(STATES)]:
        table |= {(state, victim): text for victim, text in zip(VICTIMS, said, strict=True)}
    return table


def test_every_state_and_victim_has_its_cell_on_the_page() -> None:
    assert set(cells()) == {(state, victim) for state in STATES for victim in VICTIMS}
    for text in cells().values():
        assert re.match(r"- \w|`\w+`", text), text


POSSIBLE = [cell for cell, text in cells().items() if not text.startswith("-")]


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server for all tests in which it isn't killed."""
    house = House(tmp_path_factory.mktemp("house").resolve())
    try:
        house.open()
        yield house
    finally:
        house.close()


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    state, victim = request.param
    if victim != "server":
        yield request.getfixturevalue("open_house")
        return
    house = House(tmp_path.resolve(), places=1 if state == "pending" else 0)
    try:
        house.open()
        yield house
    finally:
        house.close()


@pytest.mark.parametrize(
    ("house", "cell"),
    [(cell, cell) for cell in POSSIBLE],
    ids=[f"{victim} killed while {state}" for state, victim in POSSIBLE],
    indirect=["house"],
)
def test_what_the_page_says_comes_of_it(house: House, cell: tuple[str, str]) -> None:
    state, victim = cell
    status, cause = [*re.findall(r"`(\w+)`", cells()[cell].partition(":")[0]), None][:2]
    run = Run(house)

    STATES[state](run, victim)

    until(lambda: run.job["status"] == status or run.job["end"], f"{status}: {run.job}")
    job = run.job
    assert (job["status"], job["end"] and cause and job["end"]["cause"]) == (status, cause)
    expect_the_record_is_whole(run)
    expect_nobody_is_left(run)
    expect_the_command_was_kept(run, job)


def expect_the_record_is_whole(run: Run) -> None:
    desk = run.house.desk
    statuses = desk.statuses(run.id)
    assert len([each for each in statuses if each in ("cancelled", "completed", "failed")]) <= 1
    assert statuses[-1] == run.job["status"]
    numbers = [event["seq"] for event in desk.events(run.id)]
    assert numbers == list(range(1, len(numbers) + 1))
    steps = desk.steps(run.id)
    assert steps == list(range(1, len(steps) + 1))
    tally = run.here / "tally"
    starts = tally.read_text().split() if tally.exists() else []
    attempts = len(list((desk.place / "jobs" / run.id / "attempts").iterdir()))
    assert len(starts) <= attempts, "an attempt is started once"
    for fact in ("started", "main_exited", "tree_gone"):
        assert len(run.told(fact)) <= 1


def expect_nobody_is_left(run: Run) -> None:
    for attempt in (run.house.place / "jobs" / run.id / "attempts").iterdir():
        assert marked_tree(attempt) == []


def expect_the_command_was_kept(run: Run, job: dict[str, Any]) -> None:
    command = job["last_command"]
    if command is None:
        return
    receipts = run.house.desk.receipts(run.id)
    assert tuple(receipts) == STAGES
    saved = receipts["checkpoint_saved"]["state"]
    good = [each for each in run.house.desk.jobs.checkpoints(run.id, None) if each["verified"]]
    assert (saved == "done") <= bool(good)
    for sent, moment in (("term_sent", "term_at"), ("kill_sent", "deadline")):
        for fact in run.told(sent):
            if fact["command_id"] == command["id"]:
                assert fact["at"] >= command[moment]
                assert unix_seconds(fact["at"]) < unix_seconds(command[moment]) + 60
