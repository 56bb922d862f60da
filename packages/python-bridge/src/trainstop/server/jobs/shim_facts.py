"""What the shim saw: `shim.jsonl`. One function a type of fact."""

from __future__ import annotations

from collections.abc import Callable

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.fact_fields import (
    as_code,
    as_count,
    at_of,
    command_of,
    give_receipt,
    signal_name,
)
from trainstop.server.jobs.receipts import amend_receipt, put_receipt
from trainstop.server.jobs.states import State, Trigger
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.store.records import CommandRecord

_ASKED_BY_SIGTERM = "Nothing in the run listens to Trainstop (yet), so SIGTERM was sent at once."

MOST_CHARACTERS = 2000
"""Of a detail: a machine can have many GPUs, and each many strangers on it."""


def _starting(change: Change, fact: Fact) -> None:
    """For whoever looks for the process if the shim dies before it says that it started."""


def _started(change: Change, fact: Fact) -> None:
    at = at_of(change, fact)
    job, attempt = change.job, change.attempt
    attempt.launch = "launched"
    if attempt.started_at is None:
        attempt.started_at = at
        job.started_at = job.started_at or at
        job.progress = {**job.progress, "started_at": at}
        change.dirty()
    state = change.outcome(Trigger.STARTED)
    if not isinstance(state, State):
        return
    command = change.command
    if command is not None and command.action == "resume":
        put_receipt(command, "delivered", "done", at, by="shim", detail="The process runs.")
        for stage in ("checkpoint_saved", "process_exited", "resources_released"):
            put_receipt(command, stage, "skipped", at, by="server", detail="A resume starts a process.")
        change.end("succeeded")
    change.enter(state)


def _start_failed(change: Change, fact: Fact) -> None:
    change.attempt.start_error = str(fact["error"])


def _delivered(change: Change, fact: Fact) -> None:
    ranks = as_count(fact.get("ranks")) or 0
    words = {0: _nobody_listens(change.command), 1: "1 rank was woken."}
    # Without its shim a run is delivered to by the server itself.
    by = "server" if fact["source"] == "supervisor" else "shim"
    give_receipt(
        change, fact, "delivered", "done", by=by, detail=words.get(ranks, f"{ranks} ranks were woken.")
    )


def _nobody_listens(command: CommandRecord | None) -> str:
    """A script that still imports, or one that knows nothing of Trainstop: who waits must know for what. Of a
    stop its SIGTERM says more."""
    if command is None or command.action != "pause":
        return "No rank was listening yet."
    return (
        "Nothing in this run listens to Trainstop (trainstop.run) so far. Unless that changes in time, the "
        "pause expires and the run goes on."
    )


def _term_sent(change: Change, fact: Fact) -> None:
    _note_signal(change, fact, "term")
    command, at = command_of(change, fact), at_of(change, fact)
    if command is None or command.term_at is None or unix_seconds(at) >= unix_seconds(command.term_at):
        return
    # Before its time, since the run could hear of the stop in no other way.
    command.term_at = at
    amend_receipt(command, "delivered", _ASKED_BY_SIGTERM)
    change.touch(command)


def _kill_sent(change: Change, fact: Fact) -> None:
    if fact.get("command_id") is not None:
        _note_signal(change, fact, "kill")


def _note_signal(change: Change, fact: Fact, which: str) -> None:
    at, exit_ = at_of(change, fact), change.attempt.exit
    # Later ones went to what the main process had left behind. One from before may be told late.
    if exit_ is None or at <= exit_.get("at", ""):
        change.attempt.signals = {**change.attempt.signals, which: at}


def _main_exited(change: Change, fact: Fact) -> None:
    change.attempt.exit = {
        "exit_code": as_code(fact.get("exit_code")),
        "signal": signal_name(fact.get("signal")),
        "at": at_of(change, fact),
    }


def _swept(change: Change, fact: Fact) -> None:
    terminated, killed = as_count(fact.get("terminated")) or 0, as_count(fact.get("killed")) or 0
    change.attempt.signals = {**change.attempt.signals, "swept": [terminated, killed]}


def _tree_gone(change: Change, fact: Fact) -> None:
    at = at_of(change, fact)
    change.attempt.tree_gone_at = at
    command = change.command
    if command is None or command.action == "resume":
        return
    if change.attempt.exit is None:
        put_receipt(command, "process_exited", "skipped", at, by="shim", detail="No process was started.")
    else:
        detail = " ".join(filter(None, (_exit_words(change), _swept_words(change), fact.get("detail"))))
        put_receipt(command, "process_exited", "done", at, by="shim", detail=detail)
    change.touch(command)


def _exit_words(change: Change) -> str:
    exit_ = change.attempt.exit or {}
    signals = change.attempt.signals
    asked = "after SIGTERM" if "term" in signals and "kill" not in signals else ""
    how = f"Killed by {exit_['signal']}" if exit_.get("signal") else f"Exit code {exit_.get('exit_code')}"
    return f"{how} {asked}".strip() + "."


def _swept_words(change: Change) -> str | None:
    terminated, killed = change.attempt.signals.get("swept", [0, 0])
    left_behind = max(terminated, killed)
    if not left_behind:
        return None
    processes = "1 process" if left_behind == 1 else f"{left_behind} processes"
    return f"{processes} that it left behind {'was' if left_behind == 1 else 'were'} ended."


def _resources(change: Change, fact: Fact) -> None:
    command = change.command
    state = fact["state"]
    if state not in ("done", "not_measured", "failed", "skipped"):
        raise ValueError(f"{state!r:.40} is no state of a receipt")
    if command is None or command.action == "resume":
        return
    detail = fact.get("detail")
    detail = None if detail is None else str(detail)[:MOST_CHARACTERS]
    by = "server" if fact["source"] == "supervisor" else "shim"
    if put_receipt(command, "resources_released", state, at_of(change, fact), by=by, detail=detail):
        change.touch(command)


def _gpu_seen(change: Change, fact: Fact) -> None:
    """For whoever measures the release: supervision reads it from the journal when the shim has died."""


def _not_started(change: Change, fact: Fact) -> None:
    give_receipt(change, fact, "delivered", "done", by="shim", detail="Before the start.")


SHIM_FACTS: dict[str, Callable[[Change, Fact], None]] = {
    "starting": _starting,
    "started": _started,
    "start_failed": _start_failed,
    "not_started": _not_started,
    "delivered": _delivered,
    "term_sent": _term_sent,
    "kill_sent": _kill_sent,
    "main_exited": _main_exited,
    "swept": _swept,
    "tree_gone": _tree_gone,
    "resources": _resources,
    "gpu_seen": _gpu_seen,
}
