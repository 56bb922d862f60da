"""Where a command writes: a terminal with colours and a live line, or plain text that scripts may read."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

from trainstop.cli.client import needs
from trainstop.cli.inert import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

STATUS_STYLES = {
    "pending": "dim",
    "running": "green",
    "pausing": "yellow",
    "paused": "yellow",
    "stopping": "yellow",
    "cancelled": "dim",
    "completed": "blue",
    "failed": "red",
}
RECEIPT_STYLES = {"done": "green", "failed": "red", "skipped": "dim", "not_measured": "dim"}
BAR_CELLS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    rank: int = 0
    """Where a terminal is too narrow, the column with the highest goes first; 0 never goes."""
    right: bool = False


class Screen:
    """Raises PlainError when rich is not installed."""

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        try:
            from rich.console import Console
        except ModuleNotFoundError as error:
            raise needs("cli", error.name) from None
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        environment = os.environ if environment is None else environment
        self.live = self.out.isatty() and environment.get("TERM", "") not in ("", "dumb")
        """Lines may be drawn again, and colours shown."""
        self.colours = self.live and not environment.get("NO_COLOR")
        self.unicode = _writes(self.out, "━…")
        self.console: Console = Console(
            file=self.out,
            force_terminal=self.live,
            no_color=not self.colours,
            color_system="auto" if self.colours else None,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )

    def line(self, *parts: str | Cell) -> None:
        """One line, harmless whatever it holds. Nothing is cut off."""
        from rich.text import Text

        cells = [part if isinstance(part, Cell) else Cell(part) for part in parts]
        if not self.live:
            print("".join(one_line(cell.text) for cell in cells).rstrip(), file=self.out, flush=True)
            return
        text = Text()
        for cell in cells:
            text.append(one_line(cell.text), cell.style)
        self.console.print(text, soft_wrap=True)

    def note(self, sentence: str) -> None:
        """Beside the output: what is being done, or what went wrong on the way."""
        self.out.flush()
        if self.live:
            self.line(Cell(sentence, "dim"))
        else:
            print(one_line(sentence), file=self.err, flush=True)

    def json(self, value: Any) -> None:
        """A wire object: indented on a terminal, one line elsewhere."""
        print(json.dumps(value, indent=2 if self.live else None), file=self.out, flush=True)

    def json_line(self, value: Any) -> None:
        print(json.dumps(value), file=self.out, flush=True)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        cells = [[Cell(one_line(cell.text), cell.style) for cell in row] for row in rows]
        if not self.live:
            for row in [[Cell(column.title) for column in columns], *cells]:
                widths = _widths(columns, cells)
                print(_aligned(columns, row, widths), file=self.out, flush=True)
            return
        self.console.print(self.rich_table(columns, cells))

    def rich_table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Any:
        """For a terminal, in its width."""
        from rich.table import Table
        from rich.text import Text

        shown = list(range(len(columns)))
        widths = _widths(columns, rows)
        while sum(widths[each] + 2 for each in shown) > self.console.width:
            least = max(shown, key=lambda each: columns[each].rank)
            if not columns[least].rank:
                break
            shown.remove(least)
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        overflow: Literal["ellipsis", "crop"] = "ellipsis" if self.unicode else "crop"
        for each in shown:
            column = columns[each]
            table.add_column(
                column.title, justify="right" if column.right else "left", no_wrap=True, overflow=overflow
            )
        for row in rows:
            table.add_row(*(Text(row[each].text, row[each].style) for each in shown))
        return table

    def bar(self, fraction: float | None) -> Cell:
        """A progress bar with its percentage on a terminal, the percentage elsewhere."""
        if fraction is None:
            return Cell("-")
        percent = f"{int(fraction * 100)}%"
        if not self.live:
            return Cell(percent)
        full = round(fraction * BAR_CELLS)
        done, todo = ("━", "─") if self.unicode else ("#", ".")
        return Cell(
            f"{done * full}{todo * (BAR_CELLS - full)} {percent:>4}", "green" if fraction >= 1 else ""
        )

    @contextmanager
    def status(self) -> Iterator[StatusLine]:
        """A line at the bottom that is drawn again and again; nothing where that can't be."""
        if not self.live:
            yield StatusLine(None)
            return
        with self.console.status("", spinner="dots" if self.unicode else "line") as status:
            yield StatusLine(status)


class StatusLine:
    def __init__(self, status: Status | None) -> None:
        self._status = status

    def show(self, text: str) -> None:
        if self._status is not None:
            from rich.text import Text

            self._status.update(Text(one_line(text)))

    def hide(self) -> None:
        if self._status is not None:
            self._status.stop()

    def back(self) -> None:
        if self._status is not None:
            self._status.start()


def _writes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [
        max([len(column.title), *(len(row[index].text) for row in rows)])
        for index, column in enumerate(columns)
    ]


def _aligned(columns: Sequence[Column], row: Sequence[Cell], widths: Sequence[int]) -> str:
    cells = [
        cell.text.rjust(width) if column.right else cell.text.ljust(width)
        for column, cell, width in zip(columns, row, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()
