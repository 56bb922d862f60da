"""One attempt of one job, from its launch to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import now
from trainstop.rundir.control import read_control, write_control
from trainstop.rundir.layout import RunDir, server_wake
from trainstop.rundir.process_identity import boot_id, process_stat
from trainstop.rundir.wake import poke
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.supervised_job import SupervisedJob
from trainstop.server.observability.log_context import about_job
from trainstop.server.supervision.access import restore_access
from trainstop.server.supervision.background import Background
from trainstop.server.supervision.daemon_thread import in_daemon_thread
from trainstop.server.supervision.exit_record import read_exit_record
from trainstop.server.supervision.follower import Follower
from trainstop.server.supervision.gpu_release import measure_release
from trainstop.server.supervision.launch import LaunchFailedError, LaunchUnsettledError, give_up, launch
from trainstop.server.supervision.orphaned_tree import OrphanedTree
from trainstop.server.supervision.process_watch import ProcessWatch
from trainstop.server.supervision.retried import Retried
from trainstop.shim.process_tree import Process, send_signal

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

log = logging.getLogger("trainstop.server.supervision")

PAUSE_MARGIN_SECONDS = 1.0
"""A pause expires this long after its deadline: what was acknowledged in time must have time to arrive."""

LAUNCH_PATIENCE_SECONDS = 60.0
"""For how long a run directory that can't be written, or a machine that starts no process, is asked again."""

END_PATIENCE_SECONDS = 60.0
"""For how long the end of a run waits for journals that can't be read. What they hold is lost after that:
better than a run that is never told to have ended."""

STUCK_SHIM_SECONDS = 10.0
"""A shim that has done nothing about a stop this long after its deadline is frozen, or waits for a disk that
doesn't answer. It is killed, and the server takes over as from any dead shim."""

LADDER_LOOK_SECONDS = 5.0
"""How long the ladder sleeps at most: its deadlines count the time a machine was suspended, timers don't."""


class Attempt:
    """Three errands that never wait for each other: following, handing over commands, and, when the shim
    died or can't be told what is asked, the ladder. All of it in the event loop's thread but `has_news`.
    """

    def __init__(self, jobs: Jobs, background: Background, data_dir: Path, job: SupervisedJob) -> None:
        self.job = job
        self.finished = False
        """Its end was recorded; nothing is left to do."""
        self._jobs = jobs
        self._background = background
        self._data_dir = data_dir
        self._run = RunDir.of(data_dir, job.job_id, job.attempt)
        self._follower = Follower(jobs, background, self._run, job)

        self._looked_at = asyncio.Event()
        self._launched = job.launched
        self._launch_trouble_since: float | None = None
        self._written: ControlCommand | Exception | None = LookupError("control.json was not read yet")
        self._expired: str | None = None
        self._unresponsive_told: float | None = None

        self._shim: ProcessWatch | None = None
        self._shim_looked_for = False
        self._shim_is_untold = False
        """It may live, but control.json can't be written: a full disk, a run directory that was removed."""
        self._journal_trouble_since: float | None = None
        self._journals_given_up = False
        self._tree: OrphanedTree | None = None
        """Known from the moment the shim was found dead without an exit record, and while it is untold."""
        self._unwritten: list[dict[str, Any]] = []
        """What the ladder did and could not write down."""
        self._unsupervised_told = job.health == "unsupervised"
        self._members: dict[Process, ProcessWatch] = {}
        self._ladder_lock = asyncio.Lock()
        self._ladder_timer: asyncio.TimerHandle | None = None

        self._following = Retried(f"job {job.job_id}: following", self._follow)
        self._commanding = Retried(f"job {job.job_id}: handing over the command", self._command)
        self._laddering = Retried(f"job {job.job_id}: stopping it without its shim", self._ladder)
        self._verifying = Retried(f"job {job.job_id}: reading checkpoints back", self._verify)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        errands = (self._following, self._commanding, self._laddering, self._verifying)
        with about_job(self.job.job_id):
            self._tasks = [asyncio.create_task(errand.run()) for errand in errands]
        self._following.wake()
        self._commanding.wake()
        self._verifying.wake()

    async def stop(self) -> None:
        """Look no more. Whatever runs on the machine goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._ladder_timer is not None:
            self._ladder_timer.cancel()
        for watch in (self._shim, *self._members.values()):
            if watch is not None:
                watch.close()

    def update(self, job: SupervisedJob) -> None:
        """Take in what the store says about the job now."""
        before, self.job = self.job, job
        if job.control != before.control:
            self._commanding.wake(hurry=True)
        if not self._launched and (job.may_launch or job.claimed):
            self._following.wake()

    def has_news(self) -> bool:
        """Whether there is reason to follow. Asks the disk; callable from any thread."""
        if self.finished or not self._launched:
            return False
        try:
            late = self._time_is_up() is not None or self._stands_still()
            return late or self._shim_is_stuck() or self._follower.has_news()
        except OSError:
            return True  # following will meet the same trouble, say so, and try again

    def follow(self) -> None:
        self._following.wake()

    def look(self) -> None:
        """Once a while: find out about deaths that the system doesn't report by itself."""
        watches = [self._shim, *self._members.values()]
        if not self.finished and any(w is not None and not w.dead and w.look() for w in watches):
            self._somebody_died()

    async def first_look(self, seconds: float) -> None:
        """Returns when it was looked at once, with whatever result, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._looked_at.wait()

    async def _follow(self) -> None:
        try:
            await self._with_access(self._follow_once)
        finally:
            self._looked_at.set()

    async def _with_access(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except PermissionError:
            if not await self._background.run_urgent(restore_access, self._run):
                raise
            await step()

    async def _follow_once(self) -> None:
        if self.finished or not (self._launched or await self._launch()):
            return
        await self._look_for_shim()
        # In this order: a dead shim writes nothing any more, and an exit record is its last word.
        shim_is_dead = self._shim_is_dead()
        exit_record = await self._background.run(read_exit_record, self._run)
        if shim_is_dead and exit_record is None:
            self._laddering.wake()  # before anything is read: that may take long
        elif exit_record is None and await self._background.run(self._shim_is_stuck):
            self._kill_shim()
        expired = self._time_is_up()
        all_read = await self._drain(over=exit_record is not None, shim_is_dead=shim_is_dead)
        over = exit_record is not None
        if exit_record is not None:
            await self._tell_exited(exit_record, all_read)
        elif shim_is_dead:
            over = await self._follow_orphans()
        if expired is not None and not over:
            await self._follower.tell("expired", command_id=expired)
            self._expired = expired
        if self._stands_still() and not over:
            await self._follower.tell("unresponsive")
            self._unresponsive_told = self.job.unresponsive_at

    async def _tell_exited(self, exit_record: dict[str, Any], all_read: bool) -> None:
        if self._follower.verifies:
            return  # the end says what can be gone on from; it is told when that is known
        await self._tell_what_no_disk_took()
        if all_read or self.job.control is None:
            await self._follower.tell("exited", **exit_record)
        else:  # whether it obeyed is not known: exit code 0 alone would look as if it had finished by itself
            await self._follower.tell("gone")
        self.finished = True

    async def _tell_what_no_disk_took(self) -> None:
        """Of the ladder: without it, who obeyed our SIGTERM would seem to have ended by himself."""
        if self._tree is not None:
            self._unwritten += self._tree.take_unwritten()
        while self._unwritten:
            await self._follower.tell(self._unwritten[0]["type"], **self._unwritten[0])
            del self._unwritten[0]

    async def _verify(self) -> None:
        if not self.finished:
            await self._follower.verify()
            self._following.wake()  # the end may have waited for it

    async def _drain(self, *, over: bool, shim_is_dead: bool = False) -> bool:
        """Record what is in the journals. When the run is `over`, or nobody but the server looks after it any
        more, those that stay unreadable are given up: False."""
        try:
            await self._follower.drain(over=over)
        except Exception as error:
            since = self._journal_trouble_since = self._journal_trouble_since or time.monotonic()
            if not (over or shim_is_dead) or time.monotonic() - since < END_PATIENCE_SECONDS:
                raise
            if not self._journals_given_up:
                told = "what is left in its journals can't be read, and it ends without"
                log.error("job %s: %s: %s", self.job.job_id, told, error)
            self._journals_given_up = True
            return False
        finally:
            if self._follower.verifies:
                self._verifying.wake()
        self._journal_trouble_since = None
        return True

    async def _launch(self) -> bool:
        job = self.job
        if not job.claimed:
            if not job.may_launch:
                return False
            if not await self._background.run(self._jobs.claim_launch, job.job_id, job.attempt):
                return False
        # What is asked of it may have changed since: the shim must find the newest when it starts.
        newest = await self._background.run(self._jobs.supervised_job, job.job_id)
        if newest is None or newest.attempt != job.attempt:
            return False
        self.job = job = newest
        told = await self._background.run(self._jobs.spec, job.job_id, job.attempt)
        spec = {**told, "server_wake": str(server_wake(self._data_dir))}
        try:
            await self._background.run(launch, self._run, spec, job.control, self._background.stopping)
        except (LaunchFailedError, LaunchUnsettledError, OSError) as error:
            if not isinstance(error, LaunchFailedError) and self._may_try_again():
                raise
            if isinstance(error, LaunchUnsettledError) and not await self._background.run(
                give_up, self._run, str(error)
            ):
                raise
            await self._follower.tell("launch_failed", error=f"The job could not be started: {error}")
            self.finished = True
            return False
        await self._follower.tell("launched")
        self._launched = True
        self._commanding.wake()
        return True

    def _may_try_again(self) -> bool:
        started = self._launch_trouble_since = self._launch_trouble_since or time.monotonic()
        return time.monotonic() - started < LAUNCH_PATIENCE_SECONDS

    def _stands_still(self) -> bool:
        """Whether the run has been at its step for too long, unless that was told."""
        since = self.job.unresponsive_at
        return since is not None and since != self._unresponsive_told and now() >= since

    def _time_is_up(self) -> str | None:
        """The id of the command that never kills and whose time is up, unless that was told."""
        command = self.job.control
        if command is None or command["action"] == "cancel" or command["id"] == self._expired:
            return None
        return command["id"] if now() >= command["deadline"] + PAUSE_MARGIN_SECONDS else None

    async def _command(self) -> None:
        await self._with_access(self._hand_over)

    async def _hand_over(self) -> None:
        if self.finished or not self._launched:
            return
        command = self.job.control
        try:
            if isinstance(self._written, Exception):
                self._written = await self._background.run_urgent(self._read_control)
            if self._written != command:
                await self._background.run_urgent(self._write_control, command)
                self._written = command
        except OSError:
            self._shim_is_untold = True
            self._laddering.wake(hurry=True)
            raise
        else:
            self._shim_is_untold = False
        finally:
            if self._tree is not None:
                self._laddering.wake(hurry=True)

    def _read_control(self) -> ControlCommand | Exception | None:
        try:
            return read_control(self._run.control)
        except (ValueError, LookupError, TypeError) as error:
            return error  # damaged: like no command that could ever be asked, so it is written anew

    def _write_control(self, command: ControlCommand | None) -> None:
        write_control(self._run.control, command)
        poke(self._run.shim_wake)
        if self._tree is not None:
            for wake in self._run.rank_wakes():
                poke(wake)

    async def _look_for_shim(self) -> None:
        if self._shim_looked_for:
            return
        identity = await self._background.run(_shim_identity, self._run)
        self._shim_looked_for = True
        if identity is not None:
            self._shim = ProcessWatch(identity, self._somebody_died)

    def _somebody_died(self) -> None:
        self._following.wake()
        self._laddering.wake()

    def _shim_is_dead(self) -> bool:
        return self._shim_looked_for and (self._shim is None or self._shim.look())

    def _shim_is_stuck(self) -> bool:
        """Asks the disk; callable from any thread."""
        command, shim = self.job.control, self._shim
        if command is None or command["action"] != "cancel" or shim is None or shim.dead:
            return False
        if now() < command["deadline"] + STUCK_SHIM_SECONDS:
            return False
        status = process_stat(shim.process.pid)
        if status is not None and status[0] in "Tt":  # stopped or traced: whatever its journal seems to say
            return True
        try:
            return self._run.shim_journal.stat().st_mtime < command["deadline"]
        except FileNotFoundError:
            return True

    def _kill_shim(self) -> None:
        if self._shim is not None:
            log.warning("job %s: its shim does nothing about the stop; killing the shim", self.job.job_id)
            self._jobs.observer.supervised("shim_killed")
            send_signal(self._shim.process, signal.SIGKILL)

    async def _take_over(self) -> OrphanedTree | None:
        """The ladder is the server's once the shim is dead without an exit record, and while the shim can't
        be told; None otherwise."""
        async with self._ladder_lock:
            if not (self._shim_is_untold or self._shim_is_dead()):
                if self._tree is not None:
                    self._unwritten += self._tree.take_unwritten()
                self._tree = None  # the shim was told after all, and has it again
            elif self._tree is None:
                if await self._background.run_urgent(read_exit_record, self._run) is not None:
                    return None
                self._tree = await self._background.run_urgent(
                    OrphanedTree, self._run, self.job.job_id, self.job.linger_seconds
                )
            return self._tree

    async def _follow_orphans(self) -> bool:
        """Whether nobody of them is left."""
        tree = await self._take_over()
        if tree is None:
            return False
        if self._members and not any(watch.look() for watch in self._members.values()):
            return False
        living = await self._background.run(tree.living)
        if living:
            self._watch(living)
            if not self._unsupervised_told:
                await self._follower.tell("unsupervised")
                self._unsupervised_told = True
            return False
        await self._ladder()  # its last word
        await self._background.run(tree.forget)
        await self._drain(over=True)
        if self._follower.verifies:
            return True
        await self._tell_what_no_disk_took()
        await self._measure_release()
        await self._follower.tell("gone")
        self.finished = True
        return True

    async def _measure_release(self) -> None:
        if self.job.control is None:
            return  # no command waits to be told
        measure = partial(measure_release, self._run, self._background.stopping)
        verdict = await in_daemon_thread(measure)
        if verdict is not None:
            await self._follower.tell("resources", **verdict)

    def _watch(self, living: list[Process]) -> None:
        for process in [process for process in self._members if process not in living]:
            self._members.pop(process).close()
        for process in living:
            if process not in self._members:
                self._members[process] = ProcessWatch(process, self._somebody_died)
        if any(watch.dead for watch in self._members.values()):
            self._somebody_died()  # while they were being counted

    async def _ladder(self) -> None:
        await self._with_access(self._climb)

    async def _climb(self) -> None:
        tree = None if self.finished else await self._take_over()
        if tree is None:
            self._set_ladder_timer(None)
            return
        async with self._ladder_lock:
            command = self.job.control
            written = None if self._shim_is_untold else self._written == command
            seconds = await self._background.run_urgent(tree.act, command, written=written)
        self._set_ladder_timer(seconds)
        self._following.wake()

    def _set_ladder_timer(self, seconds: float | None) -> None:
        if self._ladder_timer is not None:
            self._ladder_timer.cancel()
            self._ladder_timer = None
        if seconds is not None:
            delay = min(seconds, LADDER_LOOK_SECONDS)
            self._ladder_timer = asyncio.get_running_loop().call_later(delay, self._laddering.wake)


def _shim_identity(run: RunDir) -> Process | None:
    """None when it is known without asking that no such process can live."""
    try:
        identity = read_json(run.shim_identity)
    except ValueError:
        return None
    if not isinstance(identity, dict) or identity.get("boot_id") != boot_id():
        return None
    pid, start_ticks = identity.get("pid"), identity.get("start_ticks")
    return Process(pid, start_ticks) if type(pid) is int and type(start_ticks) is int else None
