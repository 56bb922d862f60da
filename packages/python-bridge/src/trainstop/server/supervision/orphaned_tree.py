"""The processes of a job whose shim died, and the shim's ladder for them, run by the server.

What is done to them is written to `supervisor.jsonl` in the run directory and read from there like any other
journal, so that a server that is killed in between neither forgets nor repeats it.
"""

from __future__ import annotations

import logging
import signal
import time
from typing import TYPE_CHECKING, Any

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.journal import Journal, read_facts
from trainstop.rundir.layout import RunDir
from trainstop.rundir.process_identity import boot_id
from trainstop.rundir.steady_clock import steady_now
from trainstop.rundir.wake import poke
from trainstop.server.supervision.journals import SHIM_JOURNAL, SUPERVISOR_JOURNAL
from trainstop.shim.job_cgroup import recorded_cgroup
from trainstop.shim.ladder import Order, lingers_until, next_step, receive
from trainstop.shim.listening import nobody_listens
from trainstop.shim.process_tree import Process, kill_round, marked_tree, newcomers, send_signal

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

log = logging.getLogger("trainstop.server.supervision")

_SECOND_LOOK_SECONDS = 0.05
_CHASE_SECONDS = 0.02
"""How long a kill waits for those that were being born."""
_KILL_AGAIN_SECONDS = 0.01
_LONGEST_KILL_PAUSE_SECONDS = 1.0
_READ_BYTES = 1 << 20


class OrphanedTree:
    """Blocking. `act` is to be called from one thread at a time, `living` from any."""

    def __init__(self, run: RunDir, job_id: str, linger_seconds: float) -> None:
        self._run = run
        self._job_id = job_id
        self._linger_seconds = linger_seconds
        self._unwritten: list[dict[str, Any]] = []

        done = _facts(run, SHIM_JOURNAL) + _facts(run, SUPERVISOR_JOURNAL)
        self._main = _main_process(done)
        self._started_told = any(fact["type"] == "started" for fact in done)
        self._cgroup = recorded_cgroup(_first(done, "starting").get("cgroup"))
        self._known = _known_processes(run, self._main)
        self._termed = {fact.get("command_id") for fact in done if fact["type"] == "term_sent"}
        self._delivered = {
            fact.get("command_id") for fact in _facts(run, SUPERVISOR_JOURNAL) if fact["type"] == "delivered"
        }
        self._kill_told = any(fact["type"] == "kill_sent" for fact in done)
        self._swept_told = any(fact["type"] == "swept" for fact in done)

        self._order: Order | None = None
        self._to_deliver = False
        self._seen_alive = False
        self._linger_until: float | None = None
        self._left_behind_termed = False
        self._terminated = 0
        self._killed: set[Process] = set()
        self._kill_again_at = 0.0
        self._kill_pause = _KILL_AGAIN_SECONDS

    def living(self) -> list[Process]:
        """Who of the job still lives. Empty only after a second look: somebody may have been at an exec."""
        if self._is_of_another_boot():
            return []
        found = self._find()
        if not found and (self._cgroup is None or self._cgroup.is_populated()):
            if self._seen_alive:
                found = newcomers(self._run.path, _SECOND_LOOK_SECONDS)
            else:  # ten thousand of them may be looked for at a start, and nothing says that they live
                time.sleep(_SECOND_LOOK_SECONDS)
            found = found or self._find()
        return found

    def take_unwritten(self) -> list[dict[str, Any]]:
        """What was done and no disk took; whoever takes it must tell it himself. Not while `act` runs."""
        taken, self._unwritten = self._unwritten, []
        return taken

    def forget(self) -> None:
        """Remove what it had on the machine beside its files; for when nobody is left."""
        if self._cgroup is not None:
            self._cgroup.remove()

    def act(self, command: ControlCommand | None, *, written: bool | None) -> float | None:
        """Do what is due. Returns in how many seconds something else will be; None: unless something happens.

        `command` is what the job is asked; `written`, that control.json says so, and ranks may be woken to
        read it; None, that it can't. A disk that takes no control file keeps nobody from being terminated and
        killed in time. False, that it is about to: a rank that comes to `trainstop.run` just now must find
        there what its SIGTERM is for.
        """
        self._hear(command)
        living = self.living() if self._seen_alive else self._find()
        self._notice_main(living)
        if not living:
            if self._seen_alive:
                self._tell_swept()
            return None
        self._seen_alive = True
        self._tell_started()
        if self._to_deliver and written:
            self._deliver()
        while True:
            order = self._order
            command_id = None if order is None else order.command_id
            term_sent = command_id in self._termed
            may_ask = not term_sent and written is not False
            action, at = next_step(
                order,
                steady_now(),
                term_sent=term_sent,
                nobody_listens=may_ask and order is not None and nobody_listens(self._run, order),
                linger_until=self._linger_until,
                left_behind_termed=self._left_behind_termed,
            )
            if action == "wait":
                self._write()
                return None if at is None else max(0.0, at - steady_now())
            if action == "kill":
                return self._kill()
            if action == "term_main":
                self._term_main(command_id, living)
            else:
                self._left_behind_termed = True
                self._terminated += sum([send_signal(process, signal.SIGTERM) for process in living])

    def _is_of_another_boot(self) -> bool:
        """After a restart of the machine the same pid, even with the same start time, is somebody else."""
        try:
            identity = read_json(self._run.shim_identity)
        except ValueError:
            return False
        return isinstance(identity, dict) and identity.get("boot_id") != boot_id()

    def _find(self) -> list[Process]:
        if self._is_of_another_boot():
            return []
        inside = [] if self._cgroup is None else self._cgroup.processes()
        return marked_tree(self._run.path, [*self._known, *inside])

    def _hear(self, command: ControlCommand | None) -> None:
        try:
            order = receive(self._order, command, wall_now=now(), steady_now=steady_now())
        except ValueError as error:
            log.error("job %s: the command was passed over: %s", self._job_id, error)
            return
        if order is not self._order:
            self._order = order
            self._to_deliver = order is not None

    def _deliver(self) -> None:
        assert self._order is not None
        self._to_deliver = False
        at = rfc3339(now())  # before the first poke: nobody may acknowledge what is not yet delivered
        ranks = sum([poke(path) for path in self._run.rank_wakes()])
        if self._order.command_id not in self._delivered:
            self._delivered.add(self._order.command_id)
            self._tell("delivered", at=at, command_id=self._order.command_id, ranks=ranks)

    def _tell_started(self) -> None:
        """A shim that died in the instant of the start told nobody that the run goes on."""
        if not self._started_told:
            self._started_told = True
            main = self._main
            self._tell("started", pid=main and main.pid, start_ticks=main and main.start_ticks)

    def _notice_main(self, living: list[Process]) -> None:
        """Without the main process, what it left behind has the linger time to go by itself. Where nobody
        noted which the main process is, all are taken for it: nobody is swept while the run may go on."""
        if self._main is not None and self._main not in living and self._linger_until is None:
            order = self._order
            termed = order is not None and order.command_id in self._termed
            # What it died of, only its parent could have seen.
            self._linger_until = lingers_until(
                order, steady_now(), self._linger_seconds, ended_by_term=termed
            )

    def _term_main(self, command_id: str | None, living: list[Process]) -> None:
        self._termed.add(command_id)
        for process in living if self._main is None else [self._main]:
            at = rfc3339(now())  # before the signal, and so before whatever comes of it
            if send_signal(process, signal.SIGTERM):
                self._tell("term_sent", at=at, command_id=command_id, pid=process.pid)

    def _kill(self) -> float:
        if steady_now() >= self._kill_again_at:
            killed = set(kill_round(self._find, self._cgroup))
            if self._cgroup is None:
                killed.update(newcomers(self._run.path, _CHASE_SECONDS, signal.SIGKILL))
            grown = bool(killed - self._killed)
            self._kill_pause = (
                _KILL_AGAIN_SECONDS if grown else min(self._kill_pause * 2, _LONGEST_KILL_PAUSE_SECONDS)
            )
            self._kill_again_at = steady_now() + self._kill_pause
            self._killed |= killed
            if killed and not self._kill_told:
                self._kill_told = True
                cancel = self._order if self._order is not None and self._order.is_cancel else None
                self._tell(
                    "kill_sent",
                    command_id=None if cancel is None else cancel.command_id,
                    pids=[process.pid for process in killed],
                )
        self._write()
        return max(0.0, self._kill_again_at - steady_now())

    def _tell_swept(self) -> None:
        if not self._swept_told:
            self._swept_told = True
            killed = len({process for process in self._killed if process != self._main})
            self._tell("swept", terminated=self._terminated, killed=killed)
        self._write()

    def _tell(self, type_: str, *, at: str | None = None, **fact: Any) -> None:
        self._unwritten.append({"at": at or rfc3339(now()), "type": type_, **fact})
        self._write()

    def _write(self) -> None:
        """What the disk doesn't take now is kept, with its time, and written later."""
        if not self._unwritten:
            return
        try:
            journal = Journal(self._run.path / SUPERVISOR_JOURNAL)
            try:
                while self._unwritten:
                    journal.append_all(self._unwritten[:1])
                    del self._unwritten[0]
            finally:
                journal.close()
        except OSError as error:
            log.error("job %s: %s can't be written: %s", self._job_id, SUPERVISOR_JOURNAL, error)


def _facts(run: RunDir, name: str) -> list[dict[str, Any]]:
    facts, _ = read_facts(run.path / name, 0, _READ_BYTES)
    return facts


def _main_process(facts: list[dict[str, Any]]) -> Process | None:
    return _process(_first(facts, "starting", "started"))


def _first(facts: list[dict[str, Any]], *types: str) -> dict[str, Any]:
    return next((fact for fact in facts if fact["type"] in types), {})


def _known_processes(run: RunDir, main: Process | None) -> list[Process]:
    """Processes that are the job's whatever their environment says by now (some programs write over it)."""
    known = [] if main is None else [main]
    for path in run.rank_journals():
        facts, _ = read_facts(path, 0, 1)  # the first line says who wrote the journal
        known += [process for process in map(_process, facts) if process is not None]
    return known


def _process(fact: dict[str, Any]) -> Process | None:
    pid, start_ticks = fact.get("pid"), fact.get("start_ticks")
    return Process(pid, start_ticks) if type(pid) is int and type(start_ticks) is int else None
