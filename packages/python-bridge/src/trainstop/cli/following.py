"""A job as it changes: its event stream where there is one, asking again and again where not."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import Any

from trainstop.cli.client import Client, ServerRefusal, job_path
from trainstop.cli.job_choice import FINAL
from trainstop.cli.plain_error import PlainError

POLL_SECONDS = 1.0
MOST_POLLS = 16
"""Between two tries of the stream, at most."""
PATIENCE_SECONDS = 3.0
"""Trouble that is over sooner is not told: a server that restarts, say."""


@dataclass(frozen=True, slots=True)
class News:
    job_id: str
    kind: str
    """`job`, `command`, `checkpoint`, `metrics`, `log` as on the wire, with their data; `end` with
    `{status}`; `trouble` with `{sentence}` and `well`; `lost` with `{error}`: nothing more will come."""
    data: dict[str, Any]


class Following:
    """Puts what happens to one job into a queue, from a thread of its own, until it is over or `stop`ped.

    Nothing goes back: what is older than what was told is not told.
    """

    def __init__(self, client: Client, job_id: str, news: queue.SimpleQueue[News]) -> None:
        self._client = client
        self._job_id = job_id
        self._news = news
        self._stopped = threading.Event()
        self._cursor: str | None = None
        self._at: tuple[int, int] = (0, 0)
        self._in_trouble = False
        # Ctrl-C must not wait for an answer.
        self._thread = threading.Thread(target=self._run, name=f"follow {job_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        failures = 0
        try:
            while not self._stopped.is_set():
                try:
                    for event in self._client.events(self._job_id, self._cursor):
                        failures = 0
                        self._well()
                        if self._take(event):
                            return
                    trouble = None  # the server ended it: it goes, and comes again
                except ServerRefusal as refusal:
                    if refusal.status < 500 and refusal.status != 429:
                        raise
                    trouble = str(refusal)
                except PlainError as error:
                    trouble = str(error)
                failures += 1
                if self._poll(min(2**failures, MOST_POLLS), trouble):
                    return
        except PlainError as error:
            self._tell("lost", {"error": str(error)})

    def _take(self, event: dict[str, Any]) -> bool:
        """True when it was the last."""
        if event["type"] == "reset":
            self._at = (0, 0)
            return False
        if event["type"] != "log":
            self._cursor = f"{event['generation']}.{event['seq']}"
            at = (event["generation"], event["seq"])
            if at < self._at and event["type"] != "end":
                return False
            self._at = at
        self._tell(event["type"], event["data"])
        return bool(event["type"] == "end")

    def _poll(self, times: int, trouble: str | None) -> bool:
        """Ask for the job, some times. True when it is over."""
        for turn in range(times):
            if self._stopped.wait(POLL_SECONDS):
                return True
            try:
                job = self._client.get(job_path(self._job_id))["job"]
            except ServerRefusal as refusal:
                if refusal.status < 500 and refusal.status != 429:
                    raise
                trouble = str(refusal)
            except PlainError as error:
                trouble = str(error)
            else:
                self._well()
                at = (job["generation"], job["seq"])
                if at >= self._at:
                    self._at = at
                    self._tell("job", job)
                if job["status"] in FINAL:
                    self._tell("end", {"status": job["status"]})
                    return True
                trouble = None
                continue
            if trouble is not None and not self._in_trouble and (turn + 1) * POLL_SECONDS >= PATIENCE_SECONDS:
                self._in_trouble = True
                self._tell("trouble", {"sentence": trouble, "well": False})
        return False

    def _well(self) -> None:
        if self._in_trouble:
            self._in_trouble = False
            self._tell("trouble", {"sentence": "The server answers again.", "well": True})

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._news.put(News(self._job_id, kind, data))
