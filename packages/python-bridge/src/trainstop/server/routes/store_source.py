"""What streams read from the store, beside the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.routes.event_text import event_of, event_text
from trainstop.server.routes.feed import Stretch
from trainstop.server.routes.output_size import size_of

STRETCH_EVENTS = 200
Job = dict[str, Any]


class StoreSource:
    """Reads in whatever way `call` runs what blocks."""

    def __init__(self, jobs: Jobs, data_dir: Path, call: Callable[..., Awaitable[Any]]) -> None:
        self.generation = jobs.generation
        self._jobs = jobs
        self._data_dir = data_dir
        self._call = call

    async def stretch(self, job_id: str, seq: int, limit: int) -> Stretch:
        """The events after `seq`, for whoever may read this job. Raises Refusal."""
        found: Stretch = await self._call(self._stretch, job_id, seq, limit)
        return found

    async def jobs(self, job_ids: Sequence[str], owner: str | None) -> list[Job | None]:
        """Each as it is now; None where there is none (for this owner)."""
        found: list[Job | None] = await self._call(self._read_jobs, job_ids, owner)
        return found

    async def log_sizes(self, attempts: Sequence[tuple[str, int]]) -> list[int]:
        """Bytes of the output of each (job, attempt)."""
        found: list[int] = await self._call(self._measure, attempts)
        return found

    def _stretch(self, job_id: str, seq: int, limit: int) -> Stretch:
        texts: dict[int, bytes] = {}  # by seq, as a reading may be repeated
        room = limit

        def enough(event: dict[str, Any]) -> bool:
            nonlocal room
            text = texts[event["seq"]] = event_text(event)
            room -= len(text)
            return room <= 0

        found = self._jobs.events_after(job_id, None, seq, STRETCH_EVENTS, enough)
        end = None
        if found.final:
            position = self.generation, found.seq
            end = event_text(event_of(job_id, position, found.updated_at, "end", {"status": found.status}))
        size = size_of(self._output(job_id, found.attempt))
        found_texts = [texts[event["seq"]] for event in found.events]
        return Stretch(found_texts, found.whole, found.seq, found.attempt, size, end)

    def _read_jobs(self, job_ids: Sequence[str], owner: str | None) -> list[Job | None]:
        return [self._read_job(job_id, owner) for job_id in job_ids]

    def _read_job(self, job_id: str, owner: str | None) -> Job | None:
        try:
            return self._jobs.job(job_id, owner)
        except Refusal:
            return None

    def _measure(self, attempts: Sequence[tuple[str, int]]) -> list[int]:
        return [size_of(self._output(*attempt)) for attempt in attempts]

    def _output(self, job_id: str, attempt: int) -> Path:
        return RunDir.of(self._data_dir, job_id, attempt).output
