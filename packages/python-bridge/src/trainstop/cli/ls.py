"""`trainstop ls`"""

from __future__ import annotations

import argparse
import time
from typing import Any

from trainstop.cli.client import Client, connect
from trainstop.cli.command import Command
from trainstop.cli.json_option import add_json_option
from trainstop.cli.plain_error import MISUSED, PlainError
from trainstop.cli.readable import age, duration, fraction_done
from trainstop.cli.screen import STATUS_STYLES, Cell, Column, Screen
from trainstop.cli.server_choice import add_server_options
from trainstop.cli.warnings_of import warnings_of

PAGE = 200
DEFAULT_LIMIT = 20
WATCH_SECONDS = 2.0

COLUMNS = (
    Column("JOB"),
    Column("STATUS"),
    Column("NAME", rank=1),
    Column("PROGRESS", rank=2),
    Column("STEP", rank=5, right=True),
    Column("LEFT", rank=3, right=True),
    Column("AGE", rank=4, right=True),
    Column("NOTES", rank=6),
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--status", action="append", metavar="S", help="only of this status; several with commas, or again"
    )
    parser.add_argument("--limit", type=_count, metavar="N", help=f"the newest N (default: {DEFAULT_LIMIT})")
    parser.add_argument("--all", action="store_true", help="all there are")
    parser.add_argument(
        "--watch", action="store_true", help="show them again every two seconds, until Ctrl-C"
    )
    add_json_option(parser)
    add_server_options(parser)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError("a limit is a whole number from 1 on")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    if options.watch and options.json:
        raise PlainError("--watch is for people; leave out --json, or ask again and again.", MISUSED)
    screen, client = Screen(), connect(options)
    limit = None if options.all else options.limit or DEFAULT_LIMIT
    if options.watch and screen.live:
        return _watch(screen, client, options.status, limit)
    while True:
        jobs, more = newest(client, options.status, limit)
        if options.json:
            screen.json({"jobs": jobs})
        else:
            show_table(screen, jobs, more)
        if not options.watch:
            return 0
        time.sleep(WATCH_SECONDS)
        screen.line("")


def newest(
    client: Client, statuses: list[str] | None, limit: int | None
) -> tuple[list[dict[str, Any]], bool]:
    """(wire objects, whether there are more). `limit` None: all."""
    jobs: list[dict[str, Any]] = []
    cursor = None
    status = ",".join(statuses) if statuses else None
    while limit is None or len(jobs) < limit:
        wanted = PAGE if limit is None else min(PAGE, limit - len(jobs))
        page = client.get("/jobs", status=status, limit=wanted, cursor=cursor)
        jobs += page["jobs"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return jobs, cursor is not None


def show_table(screen: Screen, jobs: list[dict[str, Any]], more: bool) -> None:
    if not jobs:
        screen.note("No jobs. Start one with: trainstop run -- COMMAND")
        return
    screen.table(COLUMNS, [row_of(screen, job) for job in jobs])
    if more:
        screen.note(f"These are the newest {len(jobs)}; see more with --limit N or --all.")


def row_of(screen: Screen, job: dict[str, Any]) -> list[Cell]:
    progress, status = job["progress"], job["status"]
    step = progress["step"]
    total = progress["step_total"]
    left = progress["eta_seconds"] if status == "running" else None
    return [
        Cell(job["id"]),
        Cell(status, STATUS_STYLES.get(status, "")),
        Cell(job["name"]),
        screen.bar(fraction_done(job)),
        Cell("-" if step is None else f"{step}/{total}" if total else str(step)),
        Cell("-" if left is None else duration(left)),
        Cell(age(job["created_at"])),
        _notes(job),
    ]


def _notes(job: dict[str, Any]) -> Cell:
    notes = [] if job["health"] == "ok" else [job["health"]]
    notes += ["held"] if job.get("held") else []
    notes += [each.code for each in warnings_of(job)]
    return Cell(", ".join(notes) or "-", "yellow" if notes else "dim")


def _watch(screen: Screen, client: Client, statuses: list[str] | None, limit: int | None) -> int:
    from rich.live import Live

    with Live(console=screen.console, auto_refresh=False, transient=False) as live:
        while True:
            jobs, _ = newest(client, statuses, limit)
            live.update(screen.rich_table(COLUMNS, [row_of(screen, job) for job in jobs]), refresh=True)
            time.sleep(WATCH_SECONDS)


LS = Command("ls", "list jobs, newest first", "List jobs, newest first.", _add_arguments, _run)
