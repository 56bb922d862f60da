"""One change of one job: what becomes different, and the events that tell it, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, insert

from trainstop.server.jobs.metric_columns import rows_in
from trainstop.server.jobs.refusal import no_such_job
from trainstop.server.jobs.snapshot import wire_checkpoint, wire_command, wire_job
from trainstop.server.jobs.states import (
    FINAL,
    ON_THE_WIRE,
    STANDING_STILL,
    TRANSITIONS,
    Outcome,
    State,
    Trigger,
    state_of,
)
from trainstop.server.store import tables
from trainstop.server.store.records import AttemptRecord, CheckpointRecord, CommandRecord, JobRecord

ALONE = "alone"
"""The id of a server that shares its store with none, where nobody gave it one."""

_INSERT_EVENT = insert(tables.events)
_INSERT_METRICS = insert(tables.metrics)


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open one that may write. `at` is the time of everything the server does in it."""

    connection: Connection
    generation: int
    at: str
    server_id: str = ALONE
    """Of the server that new jobs belong to."""


class Change:
    """Open it, change the records through it, `finish` it."""

    def __init__(
        self,
        transaction: Transaction,
        job: JobRecord,
        attempt: AttemptRecord,
        command: CommandRecord | None,
    ) -> None:
        self.transaction = transaction
        self.connection = transaction.connection
        self.at = transaction.at
        self.job = job
        self.attempt = attempt
        self.command = command
        """The command under way."""
        self.metric_rows: dict[str, Any] | None = None
        """Columns of the rows that came in with this change."""
        self.progressed = False
        """Progress or newest metrics differ."""
        self._checkpoints: list[CheckpointRecord] = []
        self.ended: list[CommandRecord] = []
        """Commands that this change ends."""
        self._touched: dict[str, CommandRecord] = {}
        self._dirty = False
        self._status_changed = False
        self._asked_before = self._asked()

    @classmethod
    def open(
        cls,
        transaction: Transaction,
        job_id: str,
        *,
        owner: str | None = None,
        attempt: int | None = None,
    ) -> Self:
        """Lock a job's row for this transaction. With an owner, only that owner's. Raises Refusal.

        `attempt`: the attempt to work on; None is the current one.
        """
        return cls._found(transaction, job_id, owner, attempt, lock=True)

    @classmethod
    def _found(
        cls, transaction: Transaction, job_id: str, owner: str | None, attempt: int | None, *, lock: bool
    ) -> Self:
        connection = transaction.connection
        job = JobRecord.find(connection, lock=lock, id=job_id)
        if job is None or (owner is not None and job.owner != owner):
            raise no_such_job()
        number = job.attempt if attempt is None else attempt
        found = AttemptRecord.find(connection, job_id=job_id, attempt=number)
        if found is None:
            raise LookupError(f"job {job_id} has no attempt {number}")
        command = None if job.command_id is None else CommandRecord.find(connection, id=job.command_id)
        return cls(transaction, job, found, command)

    @classmethod
    def look(cls, transaction: Transaction, job_id: str, attempt: int | None = None) -> Self:
        """As `open`, to look only: locks nothing, and must not be finished."""
        return cls._found(transaction, job_id, None, attempt, lock=False)

    @classmethod
    def create(cls, transaction: Transaction, job: JobRecord, attempt: AttemptRecord) -> Self:
        """A new job, of this server unless it says another."""
        job.server_id = job.server_id or transaction.server_id
        job.add(transaction.connection)
        attempt.add(transaction.connection)
        change = cls(transaction, job, attempt, None)
        change._dirty = change._status_changed = True
        return change

    @property
    def state(self) -> State:
        command = self.command
        return state_of(
            status=self.job.status,
            held=self.job.held_by is not None,
            claimed=self.attempt.launch != "waiting",
            action=None if command is None else command.action,
            hold=None if command is None else command.hold,
        )

    def outcome(self, trigger: Trigger) -> Outcome:
        return TRANSITIONS[self.state][trigger]

    def enter(self, state: State) -> None:
        if State(self.job.status) in FINAL:
            raise RuntimeError(f"job {self.job.id} is {self.job.status}, which is final")
        before = (self.job.status, self.job.held_by)
        self.job.status = ON_THE_WIRE[state]
        if state not in STANDING_STILL:
            self.job.held_by = None
        if state is not State.PENDING:
            self.job.waits_for = None
        if before != (self.job.status, self.job.held_by):
            self._dirty = self._status_changed = True

    @property
    def asks_anew(self) -> bool:
        """Whether supervision must hand over something else than when this change began."""
        return self._asked() != self._asked_before

    def _asked(self) -> tuple[object, ...]:
        command = self.command
        times = None if command is None else (command.mode, command.wait_until, command.deadline)
        return self.job.command_id, self.job.held_by, times

    def next_attempt(self, resume: dict[str, Any] | None) -> None:
        self.attempt.save(self.connection)
        self.job.attempt += 1
        self.attempt = AttemptRecord(
            job_id=self.job.id, attempt=self.job.attempt, created_at=self.at, resume=resume
        )
        self.attempt.add(self.connection)
        self.dirty()

    def dirty(self) -> None:
        """Something that a `job` event tells has changed."""
        self._dirty = True

    def begin(self, command: CommandRecord) -> None:
        """Put a command in force; the one under way gives way to it."""
        command.add(self.connection)
        if self.command is not None:
            self.end("superseded", f"A later {command.action} took its place.", superseded_by=command.id)
        self.command = command
        self.job.command_id = command.id
        self.touch(command)

    def end(self, status: str, message: str | None = None, *, superseded_by: str | None = None) -> None:
        """End the command under way. The caller has seen to its receipts."""
        command = self.command
        if command is None:
            raise RuntimeError(f"job {self.job.id} has no command under way")
        command.status, command.superseded_by = status, superseded_by
        command.message = message or command.message
        command.ended_at = self.at
        self.command = None
        self.job.command_id = None
        self.job.last_command_id = command.id
        self.ended.append(command)
        self.touch(command)

    def touch(self, command: CommandRecord) -> None:
        """The command (or its receipts) has changed."""
        self._touched[command.id] = command
        self._dirty = self._status_changed = True

    def resume_command(self) -> CommandRecord | None:
        """The resume that began this attempt, as this change has it."""
        found = CommandRecord.find(
            self.connection,
            job_id=self.job.id,
            attempt=self.attempt.attempt,
            action="resume",
            resumed_as=None,
        )
        return None if found is None else self._touched.get(found.id, found)

    def add_checkpoint(self, checkpoint: CheckpointRecord) -> None:
        known = CheckpointRecord.find(self.connection, job_id=checkpoint.job_id, id=checkpoint.id)
        if known is None:
            checkpoint.add(self.connection)
        else:
            checkpoint.save(self.connection)
        self._checkpoints.append(checkpoint)
        self._dirty = True

    def finish(self) -> None:
        """Write it all. The events go out in the order in which they build on each other; a `job` event is
        last, so that whoever applies them in order holds the job as it is."""
        for command in self._touched.values():
            command.save(self.connection)
        self.attempt.save(self.connection)
        if self._status_changed:
            self.job.status_version += 1
        if self._dirty or self.progressed or self.metric_rows is not None:
            self.job.updated_at = self.at
        if self.progressed or self.metric_rows is not None:
            data = {"progress": self.job.progress, "latest_metrics": self.job.latest_metrics}
            seq = self._emit("metrics", data)
            if self.metric_rows is not None:
                count = rows_in(self.metric_rows)
                row = {"job_id": self.job.id, "seq": seq, "rows": count, "columns": self.metric_rows}
                self.job.metric_rows += count
                self.connection.execute(_INSERT_METRICS, row)
        for checkpoint in self._checkpoints:
            self._emit("checkpoint", wire_checkpoint(checkpoint))
        for command in self._touched.values():
            self._emit("command", wire_command(command))
        if not self._dirty:
            self.job.save(self.connection)
            return
        self.job.seq += 1
        self.job.save(self.connection)
        self._write_event(
            self.job.seq, "job", wire_job(self.connection, self.job, self.transaction.generation)
        )

    def _emit(self, type_: str, data: dict[str, Any]) -> int:
        self.job.seq += 1
        self._write_event(self.job.seq, type_, data)
        return self.job.seq

    def _write_event(self, seq: int, type_: str, data: dict[str, Any]) -> None:
        event = {"job_id": self.job.id, "seq": seq, "at": self.at, "type": type_, "data": data}
        self.connection.execute(_INSERT_EVENT, event)
