"""What a line of log is about: a request, a job. Whoever works for one says so once, and every line told
meanwhile bears it, in this task and in the threads that work for it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
job_id: ContextVar[str | None] = ContextVar("job_id", default=None)


@contextlib.contextmanager
def about_job(id_: str) -> Iterator[None]:
    before = job_id.set(id_)
    try:
        yield
    finally:
        job_id.reset(before)


class LogContext(logging.Filter):
    """Puts both on every record; what a call gives as `extra` stands."""

    def filter(self, record: logging.LogRecord) -> bool:
        for variable in (request_id, job_id):
            if not hasattr(record, variable.name):
                setattr(record, variable.name, variable.get())
        return True
