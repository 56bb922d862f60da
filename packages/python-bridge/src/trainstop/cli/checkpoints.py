"""`trainstop checkpoints`"""

from __future__ import annotations

import argparse
from typing import Any

from trainstop.cli.client import connect, job_path
from trainstop.cli.command import Command
from trainstop.cli.job_choice import add_job_argument, choose_job, label
from trainstop.cli.json_option import add_json_option
from trainstop.cli.readable import age, duration, number, size
from trainstop.cli.screen import Cell, Column, Screen
from trainstop.cli.server_choice import add_server_options

COLUMNS = (
    Column("CHECKPOINT"),
    Column("STEP", rank=1, right=True),
    Column("SAVED", rank=2, right=True),
    Column("SIZE", rank=3, right=True),
    Column("TOOK", rank=5, right=True),
    Column("WHY", rank=4),
    Column("GOOD"),
    Column("PATH", rank=6),
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_argument(parser)
    add_json_option(parser)
    add_server_options(parser)


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    job = choose_job(client, options.job)
    found = client.get(job_path(job["id"], "checkpoints"))["checkpoints"]
    if options.json:
        screen.json({"checkpoints": found})
        return 0
    if not found:
        screen.note(f"{label(job)} has saved no checkpoint.")
        return 0
    best = (job["best_checkpoint"] or {}).get("id")
    screen.table(COLUMNS, [_row(each, best) for each in found])
    return 0


def _row(checkpoint: dict[str, Any], best: str | None) -> list[Cell]:
    good = "yes" if checkpoint["verified"] else f"no: {checkpoint['problem'] or 'not verified'}"
    if checkpoint["id"] == best:
        good += ", the best"
    return [
        Cell(checkpoint["id"]),
        Cell("-" if checkpoint["step"] is None else number(checkpoint["step"])),
        Cell(f"{age(checkpoint['saved_at'])} ago"),
        Cell(size(checkpoint["bytes"])),
        Cell(duration(checkpoint["save_seconds"])),
        Cell(checkpoint["reason"]),
        Cell(good, "green" if checkpoint["verified"] else "red"),
        Cell(checkpoint["path"], "dim"),
    ]


CHECKPOINTS = Command(
    "checkpoints",
    "list a job's checkpoints",
    "List the checkpoints of a job, newest first.",
    _add_arguments,
    _run,
)
