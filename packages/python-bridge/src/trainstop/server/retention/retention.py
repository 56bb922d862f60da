"""Beside everything else, in a thread of its own: what is too old or too much goes."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.exc import SQLAlchemyError

from trainstop.rundir.clock import unix_seconds
from trainstop.server.configuration.retention_section import DAY_SECONDS, RetentionSection
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import FINAL, STATUSES
from trainstop.server.retention.believed_clock import BelievedClock
from trainstop.server.retention.checkpoints import remove_leftovers, remove_superfluous
from trainstop.server.retention.events import trim_events
from trainstop.server.retention.free_pages import give_back_pages
from trainstop.server.retention.job_files import remove, size_of
from trainstop.server.retention.keys import forget_keys
from trainstop.server.retention.metrics import thin_metrics
from trainstop.server.retention.old_jobs import finish_removals, remove_job
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.repeated import repeated
from trainstop.server.store.store_error import StoreError

log = logging.getLogger("trainstop.server.retention")

LOOK_SECONDS = 60.0
"""How often the disk and the jobs that are not over are looked at."""
ROUND_SECONDS = 600.0
"""From the end of one round through all jobs that are over to the next; a full disk waits for none."""
PASS_SECONDS = 20.0
"""A look ends after this long; the next one goes on where it stopped, at once."""
RESTS = 3
"""After each job it rests so many times as long as that took, so that it has a quarter of a core at most and
whoever waits for an answer comes first. Not where the disk is full."""
LONGEST_REST_SECONDS = 0.1
JOBS_AT_ONCE = 200
STOP_SECONDS = 0.5
_LIVE = sorted(status for status in STATUSES if status not in FINAL)
_COLUMNS = ("number", "id", "status", "ended_at", "updated_at", "seq", "events_from", "metric_rows")

Job = Row[*tuple[Any, ...]]


def free_bytes(data_dir: Path) -> int:
    """That this user may still write."""
    disk = os.statvfs(data_dir)
    return disk.f_bavail * disk.f_frsize


class Retention:
    """Works beside everything else: each transaction takes milliseconds, files go outside of any.

    Of a job that is not over nothing goes but events and rows of metrics beyond their number.
    """

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        data_dir: Path,
        section: RetentionSection,
        server_id: str,
        *,
        clock: Callable[[], float] | None = None,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        """`server_id`: only this server's jobs are looked after, as their files are here."""
        self._database = database
        self._jobs = jobs
        self._data_dir = data_dir
        self._section = section
        self._server_id = server_id
        self._clock = clock or BelievedClock()
        self._free = free
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trainstop-retention", daemon=True)
        self._number = 0
        """Up to here the jobs that are over were looked at in this round."""
        self._logs: dict[str, tuple[str, int]] = {}
        """Job → (ended at, bytes), of this round."""
        self._scarce = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Within a moment: what is under way is either whole in the store or not, and files are gone on with
        later."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        next_round = time.monotonic()
        while not self._stopping.is_set():
            is_done = True
            try:
                is_done = self.look(a_round=time.monotonic() >= next_round)
                if is_done and time.monotonic() >= next_round:
                    next_round = time.monotonic() + ROUND_SECONDS
            except Exception:  # the store is away, or the disk full: the next look may fare better
                log.exception("old things could not be removed; trying again in %g s", LOOK_SECONDS)
            if is_done:
                self._stopping.wait(LOOK_SECONDS)

    def look(self, *, a_round: bool = True) -> bool:
        """One pass, at most about PASS_SECONDS; False when some of the round is left.

        Without `a_round`, jobs that are over are passed over, unless the disk is full."""
        ends = time.monotonic() + PASS_SECONDS
        now = self._clock()
        self._mind_the_disk()
        finish_removals(self._database, self._data_dir)
        while forget_keys(self._database, now, now - self._section.keys_days * DAY_SECONDS):
            pass
        for job in self._live():
            self._trim(job, job.seq - self._section.events)
        is_done = not (a_round or self._scarce) or self._round(now, ends)
        while not self._stopping.is_set() and give_back_pages(self._database):
            pass
        return is_done

    def _round(self, now: float, ends: float) -> bool:
        """Through the jobs that are over, on from where the last one stopped; whether to the end of them."""
        while not self._stopping.is_set() and time.monotonic() < ends:
            batch = self._over(self._number)
            for job in batch:
                if self._stopping.is_set():
                    return False
                begun = time.monotonic()
                self._tidy(job, now)
                self._number = job.number
                if not self._scarce:
                    self._stopping.wait(min(LONGEST_REST_SECONDS, RESTS * (time.monotonic() - begun)))
            if len(batch) < JOBS_AT_ONCE:
                self._end_round()
                return True
        return False

    def _mind_the_disk(self) -> None:
        least = self._section.min_free_bytes
        free = self._free(self._data_dir)
        scarce = free < least
        if scarce and not self._scarce:
            self._number, self._logs = 0, {}  # a whole round, now
            log.warning(
                "%d MiB are left on the disk of %s, and retention.min_free_bytes is %d MiB: no further run "
                "is started, and old logs and superfluous checkpoints go whatever their age.",
                *(free >> 20, self._data_dir, least >> 20),
            )
        elif self._scarce and not scarce:
            log.warning("%d MiB are free again: runs are started.", free >> 20)
        self._scarce = scarce
        # The same words for as long as it lasts: each job that waits shows them.
        why = (
            f"It waits for disk space: less than {least >> 20} MiB (retention.min_free_bytes) are free on "
            f"the disk of {self._data_dir}. It starts by itself when there is room again."
        )
        self._jobs.hold_launches(why if scarce else None)

    @repeated
    def _live(self) -> list[Job]:
        jobs = tables.jobs
        query = select(*(jobs.c[name] for name in _COLUMNS)).where(
            jobs.c.status.in_(_LIVE), jobs.c.server_id == self._server_id
        )
        with self._database.read() as connection:
            return list(connection.execute(query))

    @repeated
    def _over(self, after: int) -> list[Job]:
        jobs = tables.jobs
        query = (
            select(*(jobs.c[name] for name in _COLUMNS))
            .where(jobs.c.number > after, jobs.c.status.in_(sorted(FINAL)))
            .where(jobs.c.server_id == self._server_id)
            .order_by(jobs.c.number)
            .limit(JOBS_AT_ONCE)
        )
        with self._database.read() as connection:
            return list(connection.execute(query))

    def _tidy(self, job: Job, now: float) -> None:
        try:
            self._tidy_one(job, now)
        except (SQLAlchemyError, StoreError):
            raise
        except (
            Exception
        ) as error:  # one job's files, whatever its script made of them, must not keep all others
            expected = isinstance(error, OSError | Refusal)
            log.error(
                *("job %s: can't be tidied: %s", job.id, error),
                extra={"job_id": job.id},
                exc_info=None if expected else error,
            )

    def _tidy_one(self, job: Job, now: float) -> None:
        section = self._section
        ended = job.ended_at or job.updated_at
        age = now - unix_seconds(ended)
        too_old = bool(section.jobs_days) and age > section.jobs_days * DAY_SECONDS
        if too_old and remove_job(self._database, self._jobs, self._data_dir, job.id):
            log.info("job %s ended %s and is removed", job.id, ended, extra={"job_id": job.id})
            return
        days = 0.0 if self._scarce else section.checkpoints_days
        gone = remove_superfluous(self._jobs, self._data_dir, job.id, now - days * DAY_SECONDS)
        if gone:
            log.info("job %s: %d checkpoints are removed", job.id, gone, extra={"job_id": job.id})
        remove_leftovers(self._jobs, self._data_dir, job.id)
        if age > section.events_days * DAY_SECONDS:
            self._trim(job, job.seq)
        else:
            self._trim(job, job.seq - section.events)
        if self._scarce or age > section.logs_days * DAY_SECONDS:
            remove(self._data_dir, "jobs", job.id, "attempts")
        else:
            size = size_of(self._data_dir, "jobs", job.id, "attempts")
            if size:
                self._logs[job.id] = (ended, size)

    def _trim(self, job: Job, up_to: int) -> None:
        if up_to > job.events_from:
            while not self._stopping.is_set() and trim_events(self._database, job.id, up_to):
                pass
        if job.metric_rows > self._section.metric_rows:
            thin_metrics(self._database, job.id, self._section.metric_rows)

    def _end_round(self) -> None:
        """Every job that is over was looked at: are their logs too much, all together?"""
        total = sum(size for _, size in self._logs.values())
        for job_id, (_, size) in sorted(self._logs.items(), key=lambda item: item[1][0]):
            if total <= self._section.logs_bytes or self._stopping.is_set():
                break
            try:
                remove(self._data_dir, "jobs", job_id, "attempts")
            except OSError as error:
                log.error("job %s: its logs can't be removed: %s", job_id, error, extra={"job_id": job_id})
                continue
            total -= size
        self._number, self._logs = 0, {}
