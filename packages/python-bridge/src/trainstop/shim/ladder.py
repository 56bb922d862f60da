"""The ladder: when a command sends what to whom. Pure: no clock, no process, no file.

- cancel: ranks were asked; SIGTERM to the main process at `term_at`; SIGKILL to all at `deadline`. Where the
  run may first go on to its next checkpoint or its epoch's end, those times come after that wait: when to
  leave is the run's own affair, and the ladder is there for one that does not
- cancel, and nobody in the run listens: SIGTERM is how it is asked, so it comes when the grace begins
- cancel, force: SIGKILL to all, now
- pause, hold or not, and the resume of a run that is held: never a signal; the server lets them expire
- main process gone: SIGTERM to what it left behind; SIGKILL when the linger time (or a deadline) is over.
  Where the ladder's own SIGTERM ended it there is no linger time but the grace: what is left may be the work,
  and the main process only the shell around it
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeGuard

    from trainstop.rundir.control import ControlCommand

    Action = Literal["wait", "term_main", "term_left_behind", "kill"]

_URGENCY = {"checkpoint": 0, "epoch": 0, "graceful": 1, "force": 2}
"""The modes. The same command may become more urgent, never less."""


class Order:
    """The command in force, with its times on the reader's own steady clock.

    The wall clock is read once, at receipt: setting it afterwards moves nothing.
    """

    __slots__ = (
        *("action", "command_id", "mode", "reported"),
        *("deadline", "deadline_asked", "term_asked", "term_at", "wait_asked", "wait_until"),
    )

    def __init__(self, command: ControlCommand, *, wall_now: float, steady_now: float) -> None:
        """Raises ValueError for a command that could not be carried out as it stands."""
        self.command_id = _text(command, "id")
        self.action = _text(command, "action")
        self.mode = _text(command, "mode")
        if self.action not in ("cancel", "pause", "resume") or self.mode not in _URGENCY:
            raise ValueError(
                f"the control file asks for {self.action!r}, mode {self.mode!r}, which is no command"
            )
        self.deadline_asked = _moment(command, "deadline")
        self.term_asked = None if command.get("term_at") is None else _moment(command, "term_at")
        self.wait_asked = _wait(command) if self.mode in ("checkpoint", "epoch") else -math.inf
        self.reported = command.get("reported") is True
        offset = steady_now - wall_now
        self.deadline = self.deadline_asked + offset
        self.term_at = None if self.term_asked is None else self.term_asked + offset
        self.wait_until = self.wait_asked + offset
        """When the grace begins."""

    @property
    def is_cancel(self) -> bool:
        return self.action == "cancel"

    @property
    def force(self) -> bool:
        return self.mode == "force"

    def tells_ranks_more_than(self, before: Order | None) -> bool:
        """Whether who heard `before` must hear this too. When which signal comes is no affair of a rank."""
        names = ("command_id", "mode", "wait_asked", "deadline_asked")
        return before is None or any(getattr(self, name) != getattr(before, name) for name in names)


def receive(
    standing: Order | None, command: ControlCommand | None, *, wall_now: float, steady_now: float
) -> Order | None:
    """The order in force once `command` was read; `standing` itself, the same object, when that is no news.

    The same command again can only be hastened: an earlier time or force is taken, a later time is not.
    A cancel stays: neither a pause nor an emptied control file takes it back, only another cancel replaces
    it.
    Raises ValueError for a command that makes no sense; keep the standing order then.
    """
    if command is None:
        return standing if standing is not None and standing.is_cancel else None
    heard = Order(command, wall_now=wall_now, steady_now=steady_now)
    if standing is None:
        return heard
    if standing.command_id != heard.command_id:
        return standing if standing.is_cancel and not heard.is_cancel else heard
    if standing.action != heard.action:
        raise ValueError(f"command {heard.command_id!r} was a {standing.action} and is now a {heard.action}")
    return _hastened(standing, heard)


def next_step(
    order: Order | None,
    now: float,
    *,
    term_sent: bool = False,
    nobody_listens: bool = False,
    linger_until: float | None = None,
    left_behind_termed: bool = False,
) -> tuple[Action, float | None]:
    """What is due, and since or until when. `("wait", t)`: ask again at `t` (None: when something happens).

    `now`: the steady clock the order was received on. `term_sent`: this order's SIGTERM is out already.
    `nobody_listens`: no rank of the run ever did, so that SIGTERM is all it can hear.
    `linger_until`: set once the main process is gone; until then what it left behind may go by itself, having
    had a SIGTERM when `left_behind_termed`. "kill" stays due until nothing is left to kill.
    """
    cancel = order if order is not None and order.is_cancel else None
    ends = [moment for moment in (linger_until, _kill_time(cancel, now)) if moment is not None]
    end = min(ends, default=None)
    if end is not None and now >= end:
        return "kill", end
    if linger_until is not None:
        return ("wait", end) if left_behind_termed else ("term_left_behind", now)
    if cancel is None or cancel.term_at is None or term_sent:
        return "wait", end
    term_at = min(cancel.term_at, cancel.wait_until) if nobody_listens else cancel.term_at
    if now >= term_at:
        return "term_main", term_at
    return "wait", min(term_at, cancel.deadline)


def lingers_until(order: Order | None, now: float, linger_seconds: float, *, ended_by_term: bool) -> float:
    """How long what a main process left behind may take, which has just gone. `ended_by_term`: by the SIGTERM
    of this order."""
    if ended_by_term and order is not None and order.is_cancel:
        return math.inf  # the order's deadline comes before that
    return now + linger_seconds


def _kill_time(cancel: Order | None, now: float) -> float | None:
    if cancel is None:
        return None
    return min(now, cancel.deadline) if cancel.force else cancel.deadline


def _hastened(standing: Order, heard: Order) -> Order:
    """The standing order with whatever of `heard` is sooner. Compared as asked, not as converted: the same
    file read again after the wall clock was set must change nothing."""
    sooner_deadline = heard.deadline_asked < standing.deadline_asked
    sooner_term = heard.term_asked is not None and (
        standing.term_asked is None or heard.term_asked < standing.term_asked
    )
    more_urgent = _URGENCY[heard.mode] > _URGENCY[standing.mode]
    sooner_grace = heard.wait_asked < standing.wait_asked
    reported = heard.reported and not standing.reported
    if not (sooner_deadline or sooner_term or more_urgent or sooner_grace or reported):
        return standing
    heard.reported = heard.reported or standing.reported
    if not sooner_grace:
        heard.wait_asked, heard.wait_until = standing.wait_asked, standing.wait_until
    if not sooner_deadline:
        heard.deadline_asked, heard.deadline = standing.deadline_asked, standing.deadline
    if not sooner_term:
        heard.term_asked, heard.term_at = standing.term_asked, standing.term_at
    if not more_urgent:
        heard.mode = standing.mode
    return heard


def _text(command: ControlCommand, name: str) -> str:
    value = command.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the control file's command has no {name}")
    return value


def _moment(command: ControlCommand, name: str) -> float:
    value = command.get(name)
    if not _is_time(value):
        raise ValueError(f"the control file's command has no usable {name}: {value!r} is no time")
    return float(value)


def _wait(command: ControlCommand) -> float:
    """Where nobody said how long: not at all, as a rank takes it too."""
    value = command.get("wait_until")
    return float(value) if _is_time(value) else -math.inf


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
