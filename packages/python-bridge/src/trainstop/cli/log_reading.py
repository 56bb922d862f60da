"""A run's output: a piece, its last lines, or all that comes until the run is over."""

from __future__ import annotations

import queue
import sys
from typing import Any

from trainstop.cli.client import Client, job_path
from trainstop.cli.following import Following, News
from trainstop.cli.inert import InertLog
from trainstop.cli.plain_error import PlainError
from trainstop.cli.receipt_lines import receipt_cells
from trainstop.cli.screen import Screen
from trainstop.cli.warnings_of import NewWarnings

PIECE_BYTES = 256 * 1024
FIRST_LOOK_BACK = 64 * 1024
LOOK_SECONDS = 1.0


class LogPrinter:
    """Writes one attempt's output after another. `as_json`: the server's pieces, one a line."""

    def __init__(self, screen: Screen, client: Client, job_id: str, attempt: int, *, as_json: bool) -> None:
        self.attempt = attempt
        self._screen = screen
        self._client = client
        self._job_id = job_id
        self._as_json = as_json
        self._offset = 0
        self._inert = InertLog(colours=screen.colours) if screen.live else None
        self._in_line = False

    def skip_to_last(self, lines: int) -> None:
        """Write the last so many lines of what is there, and go on from there."""
        back = FIRST_LOOK_BACK
        while True:
            pieces = self._pieces(-back)
            text = "".join(piece["text"] for piece in pieces)
            whole = text.split("\n")
            unfinished = 0 if text.endswith("\n") else 1
            if pieces[0]["offset"] == 0 or len(whole) - 1 + unfinished > lines:
                break
            back *= 4
        last = pieces[-1]
        self._offset = last["next_offset"]
        kept = "\n".join(whole[-(lines + 1 - unfinished) :]) if lines else ""
        self._write({**last, "offset": self._offset - len(kept.encode()), "text": kept})

    def catch_up(self) -> None:
        """Write what has come since."""
        for piece in self._pieces(self._offset):
            self._offset = piece["next_offset"]
            self._write(piece)

    def next_attempt(self, attempt: int) -> None:
        self.end()
        self.attempt, self._offset = attempt, 0

    def end(self) -> None:
        if self._inert is not None and not self._as_json:
            self._print(self._inert.end())
        self.fresh_line()

    def fresh_line(self) -> None:
        """What is written next begins a line."""
        if self._in_line and self._screen.live:
            self._print("\n")
        self._in_line = False

    def _pieces(self, offset: int) -> list[dict[str, Any]]:
        pieces = []
        while True:
            piece = self._client.get(
                job_path(self._job_id, "logs"), attempt=self.attempt, offset=offset, limit=PIECE_BYTES
            )
            pieces.append(piece)
            if piece["next_offset"] in (piece["offset"], piece["size"]):
                return pieces
            offset = piece["next_offset"]

    def _write(self, piece: dict[str, Any]) -> None:
        if not piece["text"]:
            return
        if self._as_json:
            self._screen.json_line({name: value for name, value in piece.items() if name != "success"})
        else:
            self._print(piece["text"] if self._inert is None else self._inert.feed(piece["text"]))

    def _print(self, text: str) -> None:
        if text:
            self._screen.out.write(text)
            self._screen.out.flush()
            if text.rstrip("\x1b[0m"):
                self._in_line = not text.endswith("\n")


class LogFollowing:
    """Follows a job's output across its attempts until it is over, and tells what is done with it."""

    def __init__(self, screen: Screen, client: Client, job: dict[str, Any], printer: LogPrinter) -> None:
        self.job = job
        self._screen = screen
        self._printer = printer
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._following = Following(client, job["id"], self._news)
        self._told: set[tuple[str, str, str]] = set()
        self._status: str | None = None
        """As it was last told: who comes to a run that is paused must not wait before nothing."""
        self._warnings = NewWarnings()
        self._started = False

    def run(self) -> None:
        """Returns when the run is over. May be called again after KeyboardInterrupt."""
        if not self._started:
            self._started = True
            self._following.start()
        self._printer.catch_up()
        while True:
            try:
                news = self._news.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            if self._take(news):
                self._printer.end()
                self._following.stop()
                return

    def _take(self, news: News) -> bool:
        if news.kind == "lost":
            raise PlainError(news.data["error"])
        if news.kind == "trouble":
            self._note(
                news.data["sentence"] + ("" if news.data["well"] else " Still trying; the run goes on.")
            )
        elif news.kind == "command":
            self.tell_command(news.data)
        elif news.kind == "log":
            self._go_to(news.data["attempt"])
            self._printer.catch_up()
        elif news.kind == "job":
            self.job = news.data
            for command in (news.data["last_command"], news.data["command"]):
                if command is not None:
                    self.tell_command(command)
            self._printer.catch_up()
            self._go_to(news.data["attempt"])
            self._tell_status(news.data)
            for sentence in self._warnings.of(news.data):
                self._note(sentence)
        elif news.kind == "end":
            self._printer.catch_up()
            return True
        return False

    def tell_command(self, command: dict[str, Any]) -> None:
        """The receipts that were not told yet."""
        for receipt in command["receipts"]:
            key = (command["id"], receipt["stage"], receipt["state"])
            if key not in self._told:
                self._told.add(key)
                action = "stop" if command["action"] == "cancel" else command["action"]
                self._note(f"{action}: " + "".join(cell.text for cell in receipt_cells(receipt)))

    def forget_command(self, command: dict[str, Any] | None) -> None:
        """Of what was before, nothing is told."""
        if command is not None:
            self._told |= {(command["id"], each["stage"], each["state"]) for each in command["receipts"]}

    def _tell_status(self, job: dict[str, Any]) -> None:
        if job["status"] == "paused" != self._status:
            self._note(f"The run is paused; go on with: trainstop resume {job['id']}")
        self._status = job["status"]

    def _go_to(self, attempt: int) -> None:
        if attempt > self._printer.attempt:
            self._printer.catch_up()
            self._printer.next_attempt(attempt)
            self._note(f"Attempt {attempt}.")

    def _note(self, sentence: str) -> None:
        self._printer.fresh_line()
        self._screen.out.flush()
        if self._screen.live:
            self._screen.note(f"[trainstop] {sentence}")
        else:
            print(f"[trainstop] {sentence}", file=self._screen.err or sys.stderr, flush=True)
