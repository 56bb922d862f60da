"""Asks the GPU driver now and then who holds a device, and at the end until the run's are free.

The driver is asked by a probe, a process of its own, and nobody here ever waits for it: a driver that hangs
holds up no stop. The probe is a child of the shim but none of the job's: `is_probe` tells it apart.
"""

from __future__ import annotations

import contextlib
import os
import select

from trainstop.rundir.steady_clock import steady_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainstop.gpu.holding import Holding
    from trainstop.gpu.probe import Answer, Probe
    from trainstop.gpu.release import Release
    from trainstop.shim.facts import Facts
    from trainstop.shim.process_tree import Process

FIRST_SECONDS = 5.0
"""When a run is first asked about: a training takes seconds to come to its GPU."""

LONGEST_SECONDS = 300.0
"""From one question to the next, at most; each waits twice as long as the one before."""

NEVER = 3600.0


class GpuWatch:
    """Does nothing at all, and loads nothing, where the machine has no driver."""

    def __init__(self, poll: select.poll, facts: Facts) -> None:
        from trainstop.gpu.driver import NO_DRIVER, has_driver

        self._poll = poll
        self._facts = facts
        self._why: str | None = None if has_driver() else NO_DRIVER
        """Why the driver can't be asked, by its last answer."""
        self._off = self._why is not None
        self._holding: Holding | None = None
        self._next_at = steady_now() + FIRST_SECONDS
        self._pause = FIRST_SECONDS
        self._stop: str | None = None
        self._stop_at: float | None = None
        self._tell_next = False
        self._probe: Probe | None = None
        self._dying: list[Probe] = []
        """Done with, and not yet reaped."""
        self._mine_before: dict[int, int] = {}

    def stop_delivered(self, command_id: str) -> None:
        """Look at what is held before it goes, and count the time from the first delivery of this command."""
        if self._stop != command_id:
            self._stop, self._stop_at = command_id, steady_now()
        self._next_at = steady_now()
        self._tell_next = True

    def act(self, living: Callable[[], Iterable[Process]]) -> float:
        """While the job runs. Returns for how many seconds nothing else is due. Doesn't block."""
        if self._off:
            return NEVER
        if self._probe is not None:
            answer = self._probe.answer()
            if answer is None:
                return self._probe.ends_in
            self._let_go()
            self._take(answer, {**self._mine_before, **_by_pid(living())})
        due_in = self._next_at - steady_now()
        if due_in > 0:
            return due_in
        if self._off or self._dying:
            return NEVER  # one that hangs in the driver: another would only join it
        self._next_at = steady_now() + self._pause
        self._pause = min(2 * self._pause, LONGEST_SECONDS)
        self._mine_before = _by_pid(living())
        self._ask()
        return self._pause if self._probe is None else self._probe.ends_in

    def is_probe(self, pid: int) -> bool:
        return any(pid == probe.pid for probe in self._probes())

    @property
    def has_probe(self) -> bool:
        """Whether a child of ours is a probe."""
        return bool(self._probes())

    def kill_probe(self) -> None:
        """Its answer is not worth waiting for, though it counts if it is there. It stays a child until
        reaped."""
        answer = None if self._probe is None else self._probe.answer()
        self._let_go()
        if answer is not None:
            self._take(answer, self._mine_before)

    def reaped(self, pid: int) -> None:
        for probe in self._probes():
            if probe.pid == pid:
                probe.reaped = True
        self._dying = [probe for probe in self._dying if not probe.reaped]

    def release(self) -> Release | None:
        """Once the tree is gone: what is to be watched from now on; None when nothing of it was seen held."""
        self.kill_probe()
        if self._holding is None or not self._holding.devices:
            return None
        from trainstop.gpu.release import Release

        return Release(self._holding, None if self._stop_at is None else steady_now() - self._stop_at)

    def watch(self, release: Release) -> float:
        """See on with it; returns how long to wait before the next look, which a probe's answer cuts
        short."""
        from trainstop.gpu.release import AGAIN_SECONDS

        for probe in self._probes():
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(probe.pid, os.WNOHANG)[0] == 0:
                    continue
            self.reaped(probe.pid)
        if self._probe is not None:
            answer = self._probe.answer()
            if answer is not None:
                self._let_go()
                release.hear(answer)
                self._next_at = steady_now() + AGAIN_SECONDS
        elif not self._dying and steady_now() >= self._next_at:
            self._ask()
        if release.verdict is None and release.overdue:
            release.give_up()
        if release.verdict is not None:
            self._let_go()
            return 0.0
        return AGAIN_SECONDS

    def not_measured(self) -> str:
        """Why there is nothing to watch."""
        if self._why is not None:
            return self._why
        from trainstop.gpu.driver import in_container
        from trainstop.gpu.sentences import NEVER_ASKED, never_listed

        return NEVER_ASKED if self._holding is None else never_listed(container=in_container())

    def _probes(self) -> list[Probe]:
        """Those that are our children still."""
        probes = [*self._dying] if self._probe is None else [self._probe, *self._dying]
        return [probe for probe in probes if not probe.reaped]

    def _ask(self) -> None:
        from trainstop.gpu.probe import Probe

        try:
            self._probe = Probe()
        except OSError as error:
            self._why = f"NVIDIA's driver can't be asked, as no process can be started: {error.strerror}."
            return
        self._poll.register(self._probe, select.POLLIN)

    def _let_go(self) -> None:
        probe, self._probe = self._probe, None
        if probe is not None:
            self._poll.unregister(probe)
            probe.close()
            probe.kill()
            if not probe.reaped:
                self._dying.append(probe)

    def _take(self, answer: Answer, mine: dict[int, int]) -> None:
        from trainstop.gpu.holding import Holding

        self._why = answer.get("unavailable")
        self._off = answer.get("for_good") is True
        if self._why is not None:
            return
        if self._holding is None:
            self._holding = Holding()
        news = self._holding.note(answer, mine)
        if self._holding.devices and (news or self._tell_next):
            self._tell_next = False
            self._facts.tell("gpu_seen", **self._holding.fact())


def _by_pid(processes: Iterable[Process]) -> dict[int, int]:
    return {process.pid: process.start_ticks for process in processes}
