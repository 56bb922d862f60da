"""What only supervision can know. One function a type of fact."""

from __future__ import annotations

from collections.abc import Callable

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.ending import Exit, end_attempt, ended_without_exit_record
from trainstop.server.jobs.fact_fields import as_code, command_of, is_timestamp, signal_name
from trainstop.server.jobs.health import unresponsive_at
from trainstop.server.jobs.receipts import skip_the_rest
from trainstop.server.jobs.states import State, Trigger
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.store.records import CommandRecord


def _launched(change: Change, fact: Fact) -> None:
    change.attempt.launch = "launched"


def _launch_failed(change: Change, fact: Fact) -> None:
    end_attempt(change, Exit(error=str(fact.get("error") or "the supervisor could not be launched")))


def _unsupervised(change: Change, fact: Fact) -> None:
    if change.job.health != "unsupervised":
        change.job.health = "unsupervised"
        change.dirty()


def _exited(change: Change, fact: Fact) -> None:
    error = fact.get("error") or change.attempt.start_error
    gone_at = fact.get("tree_gone_at")
    end_attempt(
        change,
        Exit(
            exit_code=as_code(fact.get("exit_code")),
            signal=signal_name(fact.get("signal")),
            error=None if error is None else str(error),
            tree_gone_at=gone_at if is_timestamp(gone_at) else None,
        ),
    )


def _gone(change: Change, fact: Fact) -> None:
    end_attempt(change, ended_without_exit_record(change))


def _expired(change: Change, fact: Fact) -> None:
    command = command_of(change, fact)
    unstarted = change.attempt.started_at is None
    state = change.outcome(Trigger.EXPIRED_UNSTARTED if unstarted else Trigger.EXPIRED)
    if command is None or not isinstance(state, State):
        return
    skip_the_rest(command, change.at, f"The {command.action} expired before it came to this.")
    change.end("expired", _what_expired(command, state))
    change.enter(state)


def _what_expired(command: CommandRecord, state: State) -> str:
    if state is State.HELD:
        return "The run did not say before the deadline that it goes on, so it is still held."
    did_not = "stand still" if command.hold else "leave"
    return f"The run did not {did_not} before the deadline, so it goes on; a pause never kills."


def _unresponsive(change: Change, fact: Fact) -> None:
    """Decided again here: the run may have moved since supervision looked."""
    since = unresponsive_at(change.job.status, change.job.health, change.attempt.pace)
    if since is not None and unix_seconds(change.at) >= since:
        change.job.health = "unresponsive"
        change.dirty()


SUPERVISOR_FACTS: dict[str, Callable[[Change, Fact], None]] = {
    "launched": _launched,
    "launch_failed": _launch_failed,
    "unsupervised": _unsupervised,
    "exited": _exited,
    "gone": _gone,
    "expired": _expired,
    "unresponsive": _unresponsive,
}
