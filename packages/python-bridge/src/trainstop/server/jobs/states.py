"""The state machine of a job, as one table: what each state makes of each trigger."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """A job's status; `STARTING` is `pending` on the wire: a shim holds the attempt, no process runs yet."""

    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"


FINAL = frozenset({State.CANCELLED, State.COMPLETED, State.FAILED})
SUPERVISED = frozenset({State.PENDING, State.STARTING, State.RUNNING, State.PAUSING, State.STOPPING})


class Trigger(StrEnum):
    # What somebody asks
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    # What happens on the way
    CLAIMED = "claimed"
    """Supervision is about to launch a shim."""
    STARTED = "started"
    """The main process runs."""
    EXPIRED = "expired"
    """A pause's deadline has passed."""
    EXPIRED_UNSTARTED = "expired_unstarted"
    """The same, before the main process ran."""
    # How an attempt ends; its process tree is gone by then
    FINISHED = "finished"
    """Exit code 0, and nobody made it leave."""
    OBEYED = "obeyed"
    """Exit code 0, after it acknowledged a command or got a signal of the ladder."""
    LEFT_TO_PAUSE = "left_to_pause"
    """Exit code 0, after its last word was that it leaves for a pause."""
    BROKE = "broke"
    """Another exit code, or a signal."""
    LOST = "lost"
    """Nobody saw how it ended."""
    NOT_STARTED = "not_started"
    """No process could be started."""


ENDINGS = (
    Trigger.FINISHED,
    Trigger.OBEYED,
    Trigger.LEFT_TO_PAUSE,
    Trigger.BROKE,
    Trigger.LOST,
    Trigger.NOT_STARTED,
)


class Answer(StrEnum):
    """What a trigger comes to where it changes no state."""

    IGNORE = "ignore"
    """A fact that says nothing new."""
    JOIN = "join"
    """The wish is being carried out already."""
    NO_OP = "no_op"
    """There is nothing (left) to do, and that is what was wished for."""
    CONFLICT = "conflict"
    NEW_JOB = "new_job"
    """A new job goes on from this one's checkpoint."""


Outcome = State | Answer

_S, _T, _A = State, Trigger, Answer

_ENDS_BY_ITSELF: dict[Trigger, Outcome] = {
    _T.FINISHED: _S.COMPLETED,
    _T.OBEYED: _S.COMPLETED,
    # The pause may have expired meanwhile: the run had left for it all the same, and saved.
    _T.LEFT_TO_PAUSE: _S.PAUSED,
    _T.BROKE: _S.FAILED,
    _T.LOST: _S.FAILED,
    _T.NOT_STARTED: _S.FAILED,
}
_NOTHING_NEW: dict[Trigger, Outcome] = dict.fromkeys(
    (_T.CLAIMED, _T.STARTED, _T.EXPIRED, _T.EXPIRED_UNSTARTED, *ENDINGS), _A.IGNORE
)

TRANSITIONS: dict[State, dict[Trigger, Outcome]] = {
    _S.PENDING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.CANCELLED,
        _T.PAUSE: _S.PAUSED,
        _T.RESUME: _A.CONFLICT,
        _T.CLAIMED: _S.STARTING,
        _T.STARTED: _S.RUNNING,
    },
    _S.STARTING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _S.PAUSING,
        _T.RESUME: _A.CONFLICT,
        _T.CLAIMED: _S.STARTING,
        _T.STARTED: _S.RUNNING,
    },
    _S.RUNNING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _S.PAUSING,
        _T.RESUME: _A.CONFLICT,
    },
    _S.PAUSING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _A.JOIN,
        _T.RESUME: _A.CONFLICT,
        _T.EXPIRED: _S.RUNNING,
        _T.EXPIRED_UNSTARTED: _S.STARTING,
    },
    _S.PAUSED: _NOTHING_NEW
    | {
        _T.CANCEL: _S.CANCELLED,
        _T.PAUSE: _A.NO_OP,
        _T.RESUME: _S.PENDING,
    },
    _S.STOPPING: _NOTHING_NEW
    | dict.fromkeys(ENDINGS, _S.CANCELLED)
    | {
        _T.CANCEL: _A.JOIN,
        _T.PAUSE: _A.CONFLICT,
        _T.RESUME: _A.CONFLICT,
        _T.FINISHED: _S.COMPLETED,
    },
    _S.CANCELLED: _NOTHING_NEW
    | {
        _T.CANCEL: _A.NO_OP,
        _T.PAUSE: _A.CONFLICT,
        _T.RESUME: _A.NEW_JOB,
    },
    _S.COMPLETED: _NOTHING_NEW
    | {
        _T.CANCEL: _A.NO_OP,
        _T.PAUSE: _A.CONFLICT,
        _T.RESUME: _A.CONFLICT,
    },
    _S.FAILED: _NOTHING_NEW
    | {
        _T.CANCEL: _A.NO_OP,
        _T.PAUSE: _A.CONFLICT,
        _T.RESUME: _A.NEW_JOB,
    },
}
