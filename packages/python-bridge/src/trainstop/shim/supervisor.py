"""The loop beside a job: wait, look, reap, act, until nothing of the job is left."""

from __future__ import annotations

import contextlib
import os
import select
import signal

from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.control import read_control
from trainstop.rundir.steady_clock import steady_now
from trainstop.rundir.wake import poke
from trainstop.shim.child_signals import child_signals
from trainstop.shim.gpu_watch import GpuWatch
from trainstop.shim.job_cgroup import cgroup_around
from trainstop.shim.ladder import lingers_until, next_step, receive
from trainstop.shim.listening import nobody_listens
from trainstop.shim.log_limit import LogLimit
from trainstop.shim.main_process import StartError, start_main
from trainstop.shim.process_tree import descendants, kill_round, marked_tree, send_signal
from trainstop.shim.subreaper import become_subreaper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from trainstop.rundir.layout import RunDir
    from trainstop.rundir.wake import WakeFile
    from trainstop.shim.facts import Facts
    from trainstop.shim.job_cgroup import JobCgroup
    from trainstop.shim.ladder import Order
    from trainstop.shim.process_tree import Process
    from trainstop.shim.spec import Spec

LOOK_SECONDS = 1.0
"""How often the control file is read without a poke: what a lost poke may cost."""

RECORD_RETRY_SECONDS = 600.0
"""How long a disk that takes no exit record is asked again; then the shim goes without having left one."""

_KILL_AGAIN_SECONDS = 0.01  # doubles up to LOOK_SECONDS while the same processes are stuck

_PROBE_STUCK_SECONDS = 5.0
"""How long a killed question to the GPU driver may go on being a child, before the end is told without it."""

_PROBE_STUCK = (
    "A question to the GPU driver hangs in the kernel and can't be killed, so the shim still has a child; of "
    "the run itself no process was found."
)
_UNPROVEN = (
    "This system can't make the shim the parent of orphans, so a process that left the tree and was started "
    "with another environment would not have been seen."
)


class Supervisor:
    """Supervises one attempt. Constructing it changes this process: subreaper, SIGCHLD."""

    def __init__(self, run: RunDir, spec: Spec, facts: Facts, wake: WakeFile) -> None:
        self._run = run
        self._spec = spec
        self._facts = facts
        self._log_limit = LogLimit(run, spec.log_limit_bytes, facts.complain)
        self._wake = wake
        self._subreaper = become_subreaper()
        self._poll = select.poll()
        self._poll.register(wake, select.POLLIN)
        self._children_changed = child_signals()
        self._poll.register(self._children_changed, select.POLLIN)
        self._gpu = GpuWatch(self._poll, facts)
        self._probe_killed_at: float | None = None

        self._order: Order | None = None
        self._main: Process | None = None
        self._cgroup: JobCgroup | None = None
        self._cgroup_events: int | None = None
        self._main_exit: tuple[int | None, int | None, str] | None = None
        self._linger_until: float | None = None
        self._term_sent_for: str | None = None
        self._left_behind_termed = False
        self._terminated = 0
        self._killed: set[Process] = set()
        self._kill_told = False
        self._kill_again_at = 0.0
        self._kill_pause = _KILL_AGAIN_SECONDS

    def supervise(self) -> None:
        """Start the command, see it to its end, record that. Returns when there is nothing left to do."""
        error = None
        self._look()
        if self._order is not None and self._order.is_cancel:
            self._facts.tell("not_started", command_id=self._order.command_id)
        else:
            try:
                self._main = start_main(self._spec, self._run, self._announce)
            except StartError as reason:
                error = str(reason)
                self._facts.tell("start_failed", error=error)
            else:
                self._facts.tell("started", pid=self._main.pid, start_ticks=self._main.start_ticks)
                if self._order is not None:
                    self._deliver(self._order)
                self._see_to_its_end()
        self._conclude(error)

    def _announce(self, main: Process) -> None:
        self._cgroup = cgroup_around(main, f"{self._spec.job_id}-{self._spec.attempt}")
        cgroup = None
        if self._cgroup is not None:
            cgroup = self._cgroup.record
            with contextlib.suppress(OSError):  # no descriptor to spare: it is looked at once a second
                self._cgroup_events = self._cgroup.open_events()
                self._poll.register(self._cgroup_events, select.POLLPRI)
        self._facts.tell("starting", pid=main.pid, start_ticks=main.start_ticks, cgroup=cgroup)

    def _see_to_its_end(self) -> None:
        wait_seconds = 0.0
        while True:
            self._wait(wait_seconds)
            try:
                self._look()
                if self._reap():
                    return
                wait_seconds = self._act()
                wait_seconds = min(wait_seconds, self._gpu.act(self._living))
                self._facts.write()
                self._log_limit.keep()
            except Exception as error:
                # Supervision goes on whatever happens: without it, a stop would never end.
                self._facts.complain(f"{type(error).__name__}: {error}; going on")
                wait_seconds = LOOK_SECONDS

    def _wait(self, seconds: float) -> None:
        for descriptor, _ in self._poll.poll(seconds * 1000):
            if descriptor == self._children_changed:
                os.read(descriptor, 4096)
            elif descriptor == self._cgroup_events:
                os.pread(descriptor, 4096, 0)  # only who reads is told again
            elif descriptor == self._wake.fileno():
                self._wake.drain()

    def _look(self) -> None:
        """Read the control file; deliver what is new in it."""
        try:
            command = read_control(self._run.control)
            order = receive(self._order, command, wall_now=now(), steady_now=steady_now())
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            self._facts.complain(f"{self._run.control} was passed over: {error!r}")
            return
        if order is self._order:
            return
        before, self._order = self._order, order
        if order is not None and self._main is not None and order.tells_ranks_more_than(before):
            self._deliver(order)

    def _deliver(self, order: Order) -> None:
        at = rfc3339(now())  # before the first poke: nobody may acknowledge what is not yet delivered
        ranks = sum([poke(path) for path in self._run.rank_wakes()])
        self._facts.tell("delivered", at=at, command_id=order.command_id, ranks=ranks)
        self._gpu.stop_delivered(order.command_id)

    def _reap(self) -> bool:
        """Take the dead. True when nobody is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return self._only_a_probe_hangs()
                self._gpu.reaped(pid)
                if self._main is not None and pid == self._main.pid and self._main_exit is None:
                    self._main_exited(os.waitstatus_to_exitcode(status))
        except ChildProcessError:
            if self._cgroup is not None and self._cgroup.is_populated():
                return False
            return self._is_proven or not self._living()

    def _only_a_probe_hangs(self) -> bool:
        """A question to the GPU driver must not hold up the proof that the tree is gone: where nothing else
        is left it is killed, and where that can't be done, there is no proof."""
        if self._main_exit is None or not self._gpu.has_probe or self._living():
            return False
        if self._cgroup is not None and self._cgroup.is_populated():
            return False
        self._gpu.kill_probe()
        self._probe_killed_at = self._probe_killed_at or steady_now()
        if steady_now() < self._probe_killed_at + _PROBE_STUCK_SECONDS:
            return False
        self._subreaper = False
        return True

    def _main_exited(self, code: int) -> None:
        exit_code, number = (code, None) if code >= 0 else (None, -code)
        ended_by_term = number == signal.SIGTERM and self._term_sent
        self._linger_until = lingers_until(
            self._order, steady_now(), self._spec.linger_seconds, ended_by_term=ended_by_term
        )
        at = self._facts.tell("main_exited", exit_code=exit_code, signal=number)
        self._main_exit = (exit_code, number, at)

    def _act(self) -> float:
        """Do what is due. Returns for how many seconds nothing else is."""
        while True:
            order, term_sent = self._order, self._term_sent
            action, at = next_step(
                order,
                steady_now(),
                term_sent=term_sent,
                nobody_listens=order is not None and not term_sent and nobody_listens(self._run, order),
                linger_until=self._linger_until,
                left_behind_termed=self._left_behind_termed,
            )
            if action == "wait":
                return LOOK_SECONDS if at is None else min(LOOK_SECONDS, max(0.0, at - steady_now()))
            if action == "kill":
                return self._kill()
            if action == "term_main":
                self._term_main(None if order is None else order.command_id)
            else:
                self._left_behind_termed = True
                self._terminated = sum([send_signal(p, signal.SIGTERM) for p in self._living()])

    @property
    def _term_sent(self) -> bool:
        return self._order is not None and self._order.command_id == self._term_sent_for

    def _term_main(self, command_id: str | None) -> None:
        assert self._main is not None
        self._term_sent_for = command_id
        if send_signal(self._main, signal.SIGTERM):
            self._facts.tell("term_sent", command_id=command_id, pid=self._main.pid)

    def _kill(self) -> float:
        """Kill all, again and again: somebody may have been born meanwhile, or be stuck in the kernel."""
        if steady_now() >= self._kill_again_at:
            killed = set(kill_round(self._living, self._cgroup))
            stuck = bool(killed) and killed <= self._killed
            self._kill_pause = min(self._kill_pause * 2, LOOK_SECONDS) if stuck else _KILL_AGAIN_SECONDS
            self._kill_again_at = steady_now() + self._kill_pause
            self._killed |= killed
            if killed and not self._kill_told:
                self._kill_told = True
                order = self._order if self._order is not None and self._order.is_cancel else None
                self._facts.tell(
                    "kill_sent",
                    command_id=None if order is None else order.command_id,
                    pids=[process.pid for process in killed],
                )
        return max(0.0, self._kill_again_at - steady_now())

    def _living(self) -> list[Process]:
        below = [process for process in descendants(os.getpid()) if not self._gpu.is_probe(process.pid)]
        inside = [] if self._cgroup is None else self._cgroup.processes()
        marked = [] if self._subreaper else marked_tree(self._run.path)
        return list(dict.fromkeys((*below, *inside, *marked)))

    @property
    def _is_proven(self) -> bool:
        """Whether nobody can be left unseen."""
        return self._subreaper or self._cgroup is not None

    def _conclude(self, error: str | None) -> None:
        if self._main is not None:
            killed = len(self._killed - {self._main})
            self._facts.tell("swept", terminated=self._terminated, killed=killed)
        self._leave_cgroup()
        proven = self._is_proven
        doubt = None if proven else _PROBE_STUCK if self._gpu.has_probe else _UNPROVEN
        gone_at = self._facts.tell("tree_gone", proven=proven, detail=doubt)
        self._tell_resources()
        exit_code, number, exited_at = self._main_exit or (None, None, None)
        record: dict[str, Any] = {
            "exit_code": exit_code,
            "signal": number,
            "error": error,
            "main_exited_at": exited_at,
            "tree_gone_at": gone_at,
        }
        gives_up_at = steady_now() + RECORD_RETRY_SECONDS
        while not self._facts.conclude(record):
            if steady_now() >= gives_up_at or not self._run.path.exists():
                return
            self._wait(LOOK_SECONDS)

    def _tell_resources(self) -> None:
        """Whether the driver still lists anybody of the run. Where it did before, this takes its time, which
        is bounded; everybody can read meanwhile that the tree is gone."""
        try:
            release = self._gpu.release()
            while release is not None and release.verdict is None:
                self._facts.still_here()
                self._wait(self._gpu.watch(release))
        except Exception as error:
            self._facts.complain(f"{type(error).__name__}: {error}; the GPUs were not measured")
            release = None
        if release is None or release.verdict is None:
            self._facts.tell("resources", state="not_measured", detail=self._gpu.not_measured())
        else:
            self._facts.tell("resources", **release.verdict)

    def _leave_cgroup(self) -> None:
        if self._cgroup_events is not None:
            self._poll.unregister(self._cgroup_events)  # of one that is gone, it would never be silent again
            os.close(self._cgroup_events)
            self._cgroup_events = None  # the number is given again
        if self._cgroup is not None:
            self._cgroup.remove()
