"""The state machine of a job, as one table: what each state makes of each trigger."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """A job's status, finer than it travels; see `ON_THE_WIRE`."""

    PENDING = "pending"
    STARTING = "starting"
    """A shim holds the attempt, no process runs yet."""
    RUNNING = "running"
    PAUSING = "pausing"
    """It is to save, leave and free its GPU."""
    HOLDING = "holding"
    """It is to stand still at a step and keep its GPU."""
    PAUSED = "paused"
    HELD = "held"
    """Paused, with its process standing still."""
    LIFTING = "lifting"
    """Held, and asked to go on."""
    STOPPING = "stopping"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"


ON_THE_WIRE = {
    **{state: state for state in State},
    State.STARTING: State.PENDING,
    State.HOLDING: State.PAUSING,
    State.HELD: State.PAUSED,
    State.LIFTING: State.PAUSED,
}
"""The protocol's status of each state. `held` on the job tells the last two from `PAUSED`."""

STATUSES = tuple(dict.fromkeys(ON_THE_WIRE[state].value for state in State))
"""The protocol's: what a client can be told and may ask for."""

FINAL = frozenset({State.CANCELLED, State.COMPLETED, State.FAILED})
STANDING_STILL = frozenset({State.HELD, State.LIFTING})
SUPERVISED = frozenset(set(State) - FINAL - {State.PAUSED})


class Trigger(StrEnum):
    # What somebody asks
    CANCEL = "cancel"
    PAUSE = "pause"
    HOLD = "hold"
    RESUME = "resume"
    # What happens on the way
    CLAIMED = "claimed"
    """Supervision is about to launch a shim."""
    STARTED = "started"
    """The main process runs."""
    PARKED = "parked"
    """Every rank stands still and has said so."""
    LIFTED = "lifted"
    """Every rank goes on and has said so."""
    EXPIRED = "expired"
    """The deadline of a pause, or of a hold's resume, has passed."""
    EXPIRED_UNSTARTED = "expired_unstarted"
    """The same, before the main process ran."""
    # How an attempt ends; its process tree is gone by then
    FINISHED = "finished"
    """Exit code 0, and nobody made it leave."""
    OBEYED = "obeyed"
    """Exit code 0, after it acknowledged a command or got a signal of the ladder."""
    LEFT_TO_PAUSE = "left_to_pause"
    """Exit code 0, after its last word was that it leaves for a pause. Where nobody saw how it ended: after
    every rank acknowledged the pause and left for it, and its checkpoint is verified."""
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
    (_T.CLAIMED, _T.STARTED, _T.PARKED, _T.LIFTED, _T.EXPIRED, _T.EXPIRED_UNSTARTED, *ENDINGS), _A.IGNORE
)
_OVER: dict[Trigger, Outcome] = {
    _T.CANCEL: _A.NO_OP,
    _T.PAUSE: _A.CONFLICT,
    _T.HOLD: _A.CONFLICT,
    _T.RESUME: _A.CONFLICT,
}

TRANSITIONS: dict[State, dict[Trigger, Outcome]] = {
    _S.PENDING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.CANCELLED,
        _T.PAUSE: _S.PAUSED,
        _T.HOLD: _S.PAUSED,
        _T.RESUME: _A.CONFLICT,
        _T.CLAIMED: _S.STARTING,
        _T.STARTED: _S.RUNNING,
    },
    _S.STARTING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _S.PAUSING,
        _T.HOLD: _S.HOLDING,
        _T.RESUME: _A.CONFLICT,
        _T.CLAIMED: _S.STARTING,
        _T.STARTED: _S.RUNNING,
    },
    _S.RUNNING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _S.PAUSING,
        _T.HOLD: _S.HOLDING,
        _T.RESUME: _A.CONFLICT,
    },
    _S.PAUSING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _A.JOIN,
        _T.HOLD: _A.JOIN,
        _T.RESUME: _A.CONFLICT,
        _T.EXPIRED: _S.RUNNING,
        _T.EXPIRED_UNSTARTED: _S.STARTING,
    },
    _S.HOLDING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _S.PAUSING,
        _T.HOLD: _A.JOIN,
        _T.RESUME: _A.CONFLICT,
        _T.PARKED: _S.HELD,
        _T.EXPIRED: _S.RUNNING,
        _T.EXPIRED_UNSTARTED: _S.STARTING,
    },
    _S.PAUSED: _NOTHING_NEW
    | {
        _T.CANCEL: _S.CANCELLED,
        _T.PAUSE: _A.NO_OP,
        _T.HOLD: _A.NO_OP,
        _T.RESUME: _S.PENDING,
    },
    _S.HELD: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _S.PAUSING,
        _T.HOLD: _A.NO_OP,
        _T.RESUME: _S.LIFTING,
    },
    _S.LIFTING: _NOTHING_NEW
    | _ENDS_BY_ITSELF
    | {
        _T.CANCEL: _S.STOPPING,
        _T.PAUSE: _S.PAUSING,
        _T.HOLD: _S.HOLDING,
        _T.RESUME: _A.JOIN,
        _T.LIFTED: _S.RUNNING,
        _T.EXPIRED: _S.HELD,
    },
    _S.STOPPING: _NOTHING_NEW
    | dict.fromkeys(ENDINGS, _S.CANCELLED)
    | {
        _T.CANCEL: _A.JOIN,
        _T.PAUSE: _A.CONFLICT,
        _T.HOLD: _A.CONFLICT,
        _T.RESUME: _A.CONFLICT,
        _T.FINISHED: _S.COMPLETED,
    },
    _S.CANCELLED: _NOTHING_NEW | _OVER | {_T.RESUME: _A.NEW_JOB},
    _S.COMPLETED: _NOTHING_NEW | _OVER,
    _S.FAILED: _NOTHING_NEW | _OVER | {_T.RESUME: _A.NEW_JOB},
}


def state_of(*, status: str, held: bool, claimed: bool, action: str | None, hold: bool | None) -> State:
    """The state behind a stored status. `claimed`: a launch of the attempt was claimed; `action` and `hold`:
    of the command under way."""
    if status == State.PENDING and claimed:
        return State.STARTING
    if status == State.PAUSING and hold:
        return State.HOLDING
    if status == State.PAUSED and held:
        return State.LIFTING if action == "resume" else State.HELD
    return State(status)
