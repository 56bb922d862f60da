"""The jobs of this server: the one door through which anything about them is read or changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from trainstop.protocol.control import CancelOptions, PauseOptions, ResumeOptions, StartRequest
from trainstop.protocol.report import ReportRequest
from trainstop.rundir.clock import now, rfc3339
from trainstop.server.jobs import idempotency, reading
from trainstop.server.jobs.asked import Asked, Decision, Options
from trainstop.server.jobs.cancel import cancel
from trainstop.server.jobs.change import Change, Transaction
from trainstop.server.jobs.deadlines import MINIMUM_GRACE_SECONDS
from trainstop.server.jobs.facts import apply
from trainstop.server.jobs.idempotency import Intent, request_text
from trainstop.server.jobs.launchers import launchers_of
from trainstop.server.jobs.observer import Observer
from trainstop.server.jobs.pause import pause
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.report import asked_of_run, journal_of, next_offset, not_yet_taken
from trainstop.server.jobs.resume import resume
from trainstop.server.jobs.resume_source import Examined, Source, UnexaminedError, mark_damaged
from trainstop.server.jobs.server_lease import holds_lease
from trainstop.server.jobs.snapshot import wire_command, wire_job
from trainstop.server.jobs.start import start
from trainstop.server.jobs.start_command import CommandRequest, start_command
from trainstop.server.jobs.states import State, Trigger
from trainstop.server.jobs.supervised_job import Fact, ReadElsewhereError, SupervisedJob
from trainstop.server.jobs.supervision_view import (
    Launching,
    free_places,
    offsets_of,
    one_supervised_job,
    spec_of,
    supervised_jobs,
)
from trainstop.server.jobs.waiting import tell_waiting
from trainstop.server.store.database import Database
from trainstop.server.store.records import CommandRecord
from trainstop.server.store.repeated import repeated
from trainstop.server.store.store_error import StoreError
from trainstop.server.templates.template import Template

T = TypeVar("T")
Read = dict[str, Any]
"""A wire object."""


class Jobs:
    """Synchronous, one transaction a call, callable from any thread. Blocks on the disk.

    What is refused raises `Refusal` and has changed nothing.
    """

    def __init__(
        self,
        database: Database,
        launching: Launching,
        templates: Mapping[str, Template],
        *,
        grace_seconds: float = MINIMUM_GRACE_SECONDS,
        clock: Callable[[], float] = now,
    ) -> None:
        """`grace_seconds`: the least that a stop without its own wish gets. `clock`: Unix seconds."""
        self.templates = templates
        self.generation = database.generation
        self.on_change: Callable[[str], None] | None = None
        """Called with a job's id after a commit that supervision must act on: a new job, a new or a changed
        command, a place that became free. Called in whatever thread made the change."""
        self.on_event: Callable[[str], None] | None = None
        """Called with a job's id after every commit that wrote events. In whatever thread made the change."""
        self.observer = Observer()
        self._database = database
        self._launching = launching
        self._grace_seconds = grace_seconds
        self._clock = clock

    # Asked by people

    @repeated
    def start(self, request: StartRequest, asked: Asked) -> Read:
        """The new job; with a known Idempotency-Key the job that it made then."""
        intent = Intent(f"start:{asked.owner or ''}", asked.idempotency_key, request_text("start", request))
        return self._start(
            intent, asked, lambda transaction: start(transaction, request, asked, self.templates)
        )

    def start_command(self, request: CommandRequest, asked: Asked) -> Read:
        """As `start`, for a command that someone at the machine typed."""
        intent = Intent(f"start:{asked.owner or ''}", asked.idempotency_key, request_text("command", request))
        return self._start(intent, asked, lambda transaction: start_command(transaction, request, asked))

    def _start(self, intent: Intent, asked: Asked, begin: Callable[[Transaction], Change]) -> Read:
        with self._database.write() as connection:
            earlier = idempotency.earlier(connection, intent)
            if earlier is not None:
                return reading.job(connection, self.generation, earlier[0], asked.owner)
            change = begin(self._transaction(connection))
            change.finish()
            idempotency.remember(connection, intent, change.job.id, None, change.at)
            job = wire_job(connection, change.job, self.generation)
        self._committed(change.job.id, for_supervision=True)
        return job

    def cancel(self, job_id: str, options: CancelOptions, asked: Asked) -> Read:
        """The wire's control result: `{outcome, command, job}`. So for pause and resume."""
        return self._counted(job_id, "cancel", options, asked)

    def pause(self, job_id: str, options: PauseOptions, asked: Asked) -> Read:
        return self._counted(job_id, "pause", options, asked)

    def resume(self, job_id: str, options: ResumeOptions, asked: Asked) -> Read:
        """For a cancelled or failed job, `job` is the new one that goes on from it.

        Reads the checkpoint from the disk before it commits to it; nobody else waits for that.
        """
        return self._counted(job_id, "resume", options, asked)

    def _counted(
        self, job_id: str, action: Literal["cancel", "pause", "resume"], options: Options, asked: Asked
    ) -> Read:
        mode = getattr(options, "mode", None)
        try:
            result = self._examined(job_id, action, options, asked)
        except Refusal:
            self.observer.asked(action, mode, "refused")
            raise
        self.observer.asked(action, mode, result["outcome"])
        return result

    def _examined(
        self, job_id: str, action: Literal["cancel", "pause", "resume"], options: Options, asked: Asked
    ) -> Read:
        examined = Examined()
        while True:  # each time round, one more checkpoint was found good or is no candidate any more
            try:
                return self._control(job_id, action, options, asked, examined)
            except UnexaminedError as unexamined:
                source = unexamined.source
            problem = examined.examine(source)
            if problem is not None:
                self._found_damaged(source, problem)

    @repeated
    def _found_damaged(self, source: Source, problem: str) -> None:
        with self._database.write() as connection:
            change = Change.open(self._transaction(connection), source.job_id)
            mark_damaged(change, source, problem)
            change.finish()
        self._committed(source.job_id, for_supervision=False)

    @repeated
    def _control(
        self,
        job_id: str,
        action: Literal["cancel", "pause", "resume"],
        options: Options,
        asked: Asked,
        examined: Examined,
    ) -> Read:
        intent = Intent(job_id, asked.idempotency_key, request_text(action, options))
        with self._database.write() as connection:
            change = Change.open(self._transaction(connection), job_id, owner=asked.owner)
            earlier = idempotency.earlier(connection, intent)
            if earlier is not None:
                return self._repeated(change, *earlier)
            if action != "cancel":
                _refuse_if_changed(change, asked)
            new: Change | None = None
            if isinstance(options, CancelOptions):
                decision = cancel(change, options, asked, self._grace_seconds)
            elif isinstance(options, PauseOptions):
                decision = pause(change, options, asked, self._grace_seconds)
            else:
                decision, new = resume(change, options, asked, self._grace_seconds, examined)
            change.finish()
            if new is not None:
                new.finish()
            command_id = None if decision.command is None else decision.command.id
            idempotency.remember(connection, intent, decision.job_id, command_id, change.at)
            result = self._result(change, decision)
        self._tell_ended(change)
        self._committed(job_id, for_supervision=True)
        if new is not None:
            self._committed(new.job.id, for_supervision=True)
        return result

    def _repeated(self, change: Change, job_id: str, command_id: str | None) -> Read:
        command = None if command_id is None else CommandRecord.find(change.connection, id=command_id)
        return self._result(change, Decision("no_op" if command is None else "accepted", command, job_id))

    def _result(self, change: Change, decision: Decision) -> Read:
        job = reading.job(change.connection, self.generation, decision.job_id, None)
        command = None if decision.command is None else wire_command(decision.command)
        return {"outcome": decision.outcome, "command": command, "job": job}

    # Read by people. `owner`: only that owner's jobs exist; None: all do.

    @repeated
    def job(self, job_id: str, owner: str | None) -> Read:
        with self._database.read() as connection:
            return reading.job(connection, self.generation, job_id, owner)

    @repeated
    def newest(
        self, owner: str | None, statuses: Sequence[str], before: str | None, limit: int
    ) -> tuple[list[Read], str | None]:
        """Newest first; the id is that of the job to go on `before`, None at the end. Raises Refusal for one
        that this owner doesn't have."""
        with self._database.read() as connection:
            return reading.jobs(
                connection, self.generation, owner=owner, statuses=statuses, before=before, limit=limit
            )

    @repeated
    def commands(self, job_id: str, owner: str | None) -> list[Read]:
        with self._database.read() as connection:
            return reading.commands(connection, job_id, owner)

    @repeated
    def command(self, job_id: str, command_id: str, owner: str | None) -> Read:
        with self._database.read() as connection:
            return reading.command(connection, job_id, command_id, owner)

    @repeated
    def checkpoints(self, job_id: str, owner: str | None) -> list[Read]:
        with self._database.read() as connection:
            return reading.checkpoints(connection, job_id, owner)

    @repeated
    def metrics(self, job_id: str, owner: str | None) -> tuple[int, Read]:
        """(seq, columns): every row up to that seq."""
        with self._database.read() as connection:
            return reading.metrics(connection, job_id, owner)

    @repeated
    def events_after(
        self,
        job_id: str,
        owner: str | None,
        seq: int,
        limit: int,
        enough: Callable[[Read], bool] = lambda _: False,
    ) -> reading.Events:
        """At most `limit` events with a greater seq; none after the one that is `enough`."""
        with self._database.read() as connection:
            return reading.events_after(
                connection,
                self.generation,
                job_id,
                owner=owner,
                seq=seq,
                limit=limit,
                enough=enough,
            )

    @repeated
    def attempt(self, job_id: str, owner: str | None, attempt: int | None) -> tuple[int, bool]:
        """(number, whether it is over) of an attempt, None being the current one. `not_supported` where its
        run directory is on another server's machine."""
        with self._database.read() as connection:
            return reading.attempt(connection, job_id, owner, attempt, self._launching.server_id)

    @repeated
    def positions(self, job_ids: Sequence[str]) -> dict[str, int]:
        """Job id → seq, of those that exist: who asks again sees whose news were written elsewhere."""
        with self._database.read() as connection:
            return reading.positions(connection, job_ids)

    @repeated
    def count(self) -> dict[str, int]:
        """Status → how many jobs; those without any are left out."""
        with self._database.read() as connection:
            return reading.count(connection)

    def store_answers(self) -> bool:
        """Whether the store can be read just now."""
        try:
            with self._database.read() as connection:
                return reading.answers(connection)
        except (SQLAlchemyError, StoreError):
            return False

    # Supervision

    @repeated
    def supervised(self) -> list[SupervisedJob]:
        """Every job that is pending, running, pausing or stopping; the one that has waited longest first."""
        with self._database.read() as connection:
            return supervised_jobs(connection, self._launching)

    @repeated
    def supervised_job(self, job_id: str) -> SupervisedJob | None:
        """The same for one job; None when it needs no supervision (any more)."""
        with self._database.read() as connection:
            return one_supervised_job(connection, job_id, self._launching)

    @repeated
    def spec(self, job_id: str, attempt: int) -> dict[str, Any]:
        """What spec.json must say. Raises LookupError when there is no such attempt (any more)."""
        with self._database.read() as connection:
            return spec_of(connection, job_id, attempt, self._launching)

    @repeated
    def offsets(self, job_id: str, attempt: int) -> dict[str, int]:
        """Journal file name → bytes of it that are recorded."""
        with self._database.read() as connection:
            return offsets_of(connection, job_id, attempt)

    @repeated
    def claim_launch(self, job_id: str, attempt: int) -> bool:
        """Call before a shim is started; start it only on True.

        Durable: from here on a cancel takes the ladder rather than just cancelling a waiting job. True again
        for an attempt claimed before and not launched (the server died in between); False when the job was
        cancelled or paused meanwhile or no place is free.
        """
        with self._database.write() as connection:
            launching = self._launching
            # First, so that the places are counted by one after the other.
            if launching.run is not None and not holds_lease(connection, launching.server_id, launching.run):
                return False
            change = Change.open(self._transaction(connection), job_id)
            state = change.state
            if change.job.attempt != attempt or change.outcome(Trigger.CLAIMED) is not State.STARTING:
                return False
            if change.attempt.launch == "launched":
                return False
            if state is State.PENDING and self._launching.held is not None:
                return False
            if state is State.PENDING and free_places(connection, self._launching) < 1:
                return False
            change.attempt.launch = "claimed"
            job = change.job
            if job.waits_for is not None:
                job.waits_for = None
                change.dirty()
            base = {} if job.template is None else self._launching.base_env
            job.launchers = launchers_of(job.argv, {**base, **job.env})
            before = job.seq
            change.finish()
        if job.seq != before:
            self._committed(job_id, for_supervision=False)
        return True

    @repeated
    def tell_waiting(self, waiting: Sequence[SupervisedJob]) -> None:
        """Note on these jobs what each of them waits for, where that is still so. Call it with no more than
        TOLD_AT_ONCE."""
        with self._database.write() as connection:
            transaction = self._transaction(connection)
            told = [job.job_id for job in waiting if tell_waiting(transaction, job)]
        for job_id in told:
            self._committed(job_id, for_supervision=False)

    @repeated
    def record(
        self,
        job_id: str,
        attempt: int,
        facts: Sequence[Fact],
        offsets: Mapping[str, int],
        since: Mapping[str, int] | None = None,
    ) -> None:
        """Take in what was seen, in the order it happened, and how far each journal has been read, in one
        transaction: transitions, receipts, events, offsets. `offsets` may name only some journals; `since`
        says where in them these facts begin. Raises ReadElsewhereError when the store stands elsewhere, and
        then nothing has changed, so that two who follow the same journals record each fact once.

        Facts about an attempt that has ended change nothing: its end was decided once.
        """
        with self._database.write() as connection:
            change = Change.open(self._transaction(connection), job_id, attempt=attempt)
            before = change.job.seq
            _must_continue(change.attempt.offsets, offsets, since)
            change.attempt.offsets = {**change.attempt.offsets, **offsets}
            for fact in facts:
                if change.attempt.ended_at is None and change.job.attempt == attempt:
                    apply(change, fact)
            change.finish()
        for fact in facts:
            if fact["source"] == "supervisor":
                self.observer.supervised(fact["type"])
        self._tell_ended(change)
        if change.job.seq != before:
            ended = change.attempt.ended_at is not None
            self._committed(job_id, for_supervision=ended or change.asks_anew)

    def new_in_report(self, job_id: str, request: ReportRequest) -> list[Fact]:
        """The facts of a report that were not taken yet. Raises Refusal when its attempt is over."""
        with self._database.read() as connection:
            change = Change.look(self._transaction(connection), job_id, request.attempt)
            return not_yet_taken(request, next_offset(change, request.attempt, request.rank))

    @repeated
    def report(
        self, job_id: str, request: ReportRequest, facts: Sequence[Fact]
    ) -> tuple[int, dict[str, Any] | None]:
        """Take in what `new_in_report` gave, completed: (where to go on, what is asked of the run).

        Nothing, when another report of this rank came in between. Raises Refusal as above.
        """
        with self._database.write() as connection:
            change = Change.open(self._transaction(connection), job_id, attempt=request.attempt)
            before = change.job.seq
            known = next_offset(change, request.attempt, request.rank)
            if len(not_yet_taken(request, known)) == len(facts) > 0:
                for fact in facts:
                    apply(change, fact)
                known += len(facts)
                change.attempt.offsets = {**change.attempt.offsets, journal_of(request.rank): known}
            change.finish()
            asked = asked_of_run(change.command)
        self._tell_ended(change)
        if change.job.seq != before:
            self._committed(job_id, for_supervision=False)
        return known, asked

    # Retention

    @repeated
    def look_at(self, job_id: str, question: Callable[[Change], T]) -> T:
        """What it answers about the job, which it must not change. Raises Refusal when there is none."""
        with self._database.read() as connection:
            return question(Change.look(self._transaction(connection), job_id))

    @repeated
    def tidy(self, job_id: str, step: Callable[[Change], T]) -> T:
        """One step of housekeeping on a job, in a transaction of its own; returns what it returns. Raises
        Refusal when there is no such job."""
        with self._database.write() as connection:
            change = Change.open(self._transaction(connection), job_id)
            before = change.job.seq
            done = step(change)
            change.finish()
        if change.job.seq != before:
            self._committed(job_id, for_supervision=False)
        return done

    def hold_launches(self, why: str | None) -> None:
        """Start no further run until this is called with None; those that run go on. `why`: a sentence about
        a job that waits for it, which each of them will show."""
        self._launching.held = why

    def _transaction(self, connection: Connection) -> Transaction:
        return Transaction(connection, self.generation, rfc3339(self._clock()), self._launching.server_id)

    def _tell_ended(self, change: Change) -> None:
        for command in change.ended:
            self.observer.command_ended(command)

    def _committed(self, job_id: str, *, for_supervision: bool) -> None:
        if self.on_event is not None:
            self.on_event(job_id)
        if for_supervision and self.on_change is not None:
            self.on_change(job_id)


def _must_continue(
    stands: Mapping[str, int], offsets: Mapping[str, int], since: Mapping[str, int] | None
) -> None:
    for name, end in offsets.items():
        stand = stands.get(name, 0)
        if end < stand or (since is not None and since.get(name, 0) != stand):
            raise ReadElsewhereError(stands)


def _refuse_if_changed(change: Change, asked: Asked) -> None:
    if asked.status_versions is not None and change.job.status_version not in asked.status_versions:
        raise Refusal(
            "precondition_failed",
            f"The job has changed since it was read: it is {change.job.status} now. "
            "Look at it again, then decide.",
            field="If-Match",
            job_status=change.job.status,
        )
