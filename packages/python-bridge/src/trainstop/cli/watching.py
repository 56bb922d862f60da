"""Commands under way, shown until they have ended: receipts, the time that is left, the outcome."""

from __future__ import annotations

import queue
import select
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from trainstop.cli.client import Client, job_path
from trainstop.cli.following import Following, News
from trainstop.cli.job_choice import FINAL, label
from trainstop.cli.plain_error import FAILED, RUN_FAILED, PlainError
from trainstop.cli.readable import duration
from trainstop.cli.receipt_lines import receipt_cells, time_left
from trainstop.cli.screen import STATUS_STYLES, Cell, Screen
from trainstop.cli.show import checkpoint_line
from trainstop.cli.warnings_of import NewWarnings
from trainstop.rundir.clock import now, unix_seconds

LOOK_SECONDS = 0.5
"""How often the time that is left is looked at."""
OVERDUE_SECONDS = 3.0
"""A stop that is not over this long after its deadline is offered to be forced."""


@dataclass(slots=True)
class Watched:
    job: dict[str, Any]
    command: dict[str, Any]
    done: bool = False
    error: str | None = None
    offered: bool = False
    _shown: set[tuple[str, str, str, str | None]] = field(default_factory=set)
    warnings: NewWarnings = field(default_factory=NewWarnings)

    @property
    def is_over(self) -> bool:
        if self.command["action"] == "cancel":
            return self.job["status"] in FINAL
        return bool(self.command["status"] not in ("active", "superseded")) or self.job["status"] in FINAL

    def unseen(self) -> list[dict[str, Any]]:
        """Receipts that were not shown yet."""
        new = []
        for receipt in self.command["receipts"]:
            key = (self.command["id"], receipt["stage"], receipt["state"], receipt["detail"])
            if key not in self._shown:
                self._shown.add(key)
                # What a resume skips by its nature would read like something that went missing.
                if not (self.command["action"] == "resume" and receipt["state"] == "skipped"):
                    new.append(receipt)
        return new

    @property
    def overdue(self) -> bool:
        deadline = self.command["deadline"]
        return (
            self.command["action"] == "cancel"
            and deadline is not None
            and now() > unix_seconds(deadline) + OVERDUE_SECONDS
        )


class Watch:
    """Shows them until all have ended. `quiet`: nothing but trouble is shown, for `--json`."""

    def __init__(
        self, screen: Screen, client: Client, watched: list[Watched], *, quiet: bool = False
    ) -> None:
        self._screen = screen
        self._client = client
        self._watched = {each.job["id"]: each for each in watched}
        self._quiet = quiet
        self._several = len(watched) > 1
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()

    def run(self) -> None:
        """Returns when all have ended; Ctrl-C gets out as KeyboardInterrupt."""
        followings = [Following(self._client, job_id, self._news) for job_id in self._watched]
        for each in self._watched.values():
            self._show_news(each)
            each.done = each.is_over
        with self._screen.status() as status:
            for following in followings:
                following.start()
            try:
                while pending := [each for each in self._watched.values() if not each.done]:
                    status.show(_waiting(pending))
                    with suppress(queue.Empty):
                        self._take(self._news.get(timeout=LOOK_SECONDS))
                    for each in pending:
                        if each.overdue and not each.offered and not each.done:
                            each.offered = True
                            status.hide()
                            self._offer_force(each)
                            status.back()
            finally:
                for following in followings:
                    following.stop()
        for each in self._watched.values():
            if each.error is None:
                # Its command ends an event before its status changes.
                each.job = self._client.get(job_path(each.job["id"]))["job"]

    def _take(self, news: News) -> None:
        each = self._watched[news.job_id]
        if news.kind == "trouble":
            ending = "" if news.data["well"] else " Still trying; what was asked for goes on without this."
            self._screen.note(news.data["sentence"] + ending)
        elif news.kind == "lost":
            each.error, each.done = news.data["error"], True
        elif news.kind == "command" and news.data["id"] == each.command["id"]:
            each.command = news.data
        elif news.kind == "job":
            each.job = news.data
            for command in (news.data["last_command"], news.data["command"]):
                if command is not None and command["id"] == each.command["id"]:
                    each.command = command
        if each.command["status"] == "superseded" and each.command["superseded_by"]:
            self._go_over(each)
        self._show_news(each)
        each.done = each.done or each.is_over

    def _go_over(self, each: Watched) -> None:
        """A later command took this one's place; a stop is watched on in it."""
        later = self._client.get(job_path(each.job["id"], "commands", each.command["superseded_by"]))[
            "command"
        ]
        if later["action"] == "cancel" or later["action"] == each.command["action"]:
            if not self._quiet:
                mode = f" ({later['mode']})" if later["mode"] else ""
                self._screen.line(
                    *self._prefix(each), f"a later {_WORDS[later['action']]}{mode} took its place"
                )
            each.command = later
        else:
            each.done = True

    def _show_news(self, each: Watched) -> None:
        """Warnings and receipts that were not shown yet."""
        lines = [[Cell(sentence, "yellow")] for sentence in each.warnings.of(each.job)]
        lines += [receipt_cells(receipt) for receipt in each.unseen()]
        for line in lines:
            if not self._quiet:
                self._screen.line(*self._prefix(each), *line)

    def _prefix(self, each: Watched) -> list[Cell]:
        return [Cell(f"{label(each.job)}  ", "dim")] if self._several else [Cell("  ")]

    def _offer_force(self, each: Watched) -> None:
        how = f"trainstop stop {each.job['id']} --mode force"
        self._screen.note(f"{label(each.job)} is past its deadline and still there.")
        if each.command["mode"] == "force" or self._quiet:
            return
        if not (self._screen.live and sys.stdin.isatty()):
            self._screen.note(f"Stop it by force with: {how}")
            return
        self._screen.line(
            Cell("Stop it by force now? What came after the last checkpoint is lost. [y/N] ", "bold")
        )
        while not each.is_over:
            if select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
                if sys.stdin.readline().strip().lower() in ("y", "yes"):
                    answer = self._client.post(f"/cancel/{each.job['id']}", {"mode": "force"})["result"]
                    each.job, each.command = answer["job"], answer["command"] or each.command
                else:
                    self._screen.note(f"Waiting on. Later, stop it by force with: {how}")
                return
            while True:
                try:
                    self._take(self._news.get_nowait())
                except queue.Empty:
                    break


_WORDS = {"cancel": "stop", "pause": "pause", "resume": "resume"}


def _waiting(pending: list[Watched]) -> str:
    first = min(pending, key=lambda each: each.command["deadline"] or "~")
    left = time_left(first.command)
    doing = {"cancel": "stopping", "pause": "pausing", "resume": "resuming"}[first.command["action"]]
    who = label(first.job) if len(pending) == 1 else f"{len(pending)} runs"
    return f"{doing} {who}" + (f", {left}" if left else "") + "  (Ctrl-C: stop watching)"


def tell_outcome(screen: Screen, each: Watched) -> int:
    """The end of the story, and the exit code."""
    if each.error is not None:
        raise PlainError(each.error)
    job, command = each.job, each.command
    status = Cell(job["status"], STATUS_STYLES.get(job["status"], ""))
    message = command["message"] or ""
    if job["status"] in FINAL and job["end"] is not None:
        message = job["end"]["message"]
    took = ""
    if command["ended_at"] is not None:
        took = f" after {duration(unix_seconds(command['ended_at']) - unix_seconds(command['created_at']))}"
    screen.line(Cell(f"{label(job)} is "), status, Cell(f"{took}. {message}".rstrip()))
    if job.get("held"):
        screen.line("  It stands still with everything in its memory, and keeps its GPU.")
        screen.line(f"  let it go on with: trainstop resume {job['id']}")
        return outcome_code(each)
    checkpoint = job["last_checkpoint"]
    if command["action"] != "resume" and checkpoint is not None:
        screen.line(f"  last checkpoint {checkpoint_line(checkpoint)}")
    if command["action"] != "resume" and job["capabilities"]["resume"]["allowed"]:
        screen.line(f"  go on from it with: trainstop resume {job['id']}")
    return outcome_code(each)


def outcome_code(each: Watched) -> int:
    """0 when what was asked for came to be, or there was nothing left to do."""
    if each.error is not None:
        return FAILED
    if each.command["action"] == "cancel":
        return RUN_FAILED if each.job["status"] == "failed" else 0
    return 0 if each.command["status"] == "succeeded" else RUN_FAILED
