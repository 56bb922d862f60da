"""Which job is meant: an id, the beginning of one, a name, or `last`."""

from __future__ import annotations

import argparse
import re
from typing import Any

from trainstop.cli.client import Client, ServerRefusal, job_path
from trainstop.cli.inert import one_line
from trainstop.cli.plain_error import PlainError
from trainstop.cli.readable import age

LOOKED_THROUGH = 2000
"""The newest jobs among which names and beginnings of ids are looked for."""
PAGE = 200
SHOWN = 10
FINAL = ("cancelled", "completed", "failed")

Job = dict[str, Any]


def add_job_argument(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    argument = parser.add_argument(
        "jobs" if several else "job",
        metavar="JOB",
        nargs="+" if several else None,
        help="id of a job, the beginning of one, a name, or `last`",
    )
    from trainstop.cli.completion_words import JOBS

    argument.complete = JOBS  # type: ignore[attr-defined]


def choose_job(client: Client, text: str, *, under_way: bool = False) -> Job:
    """The job's wire object. `under_way`: of several, the only one that is not over is meant.

    Raises PlainError, with the candidates where there are several.
    """
    if text == "last":
        newest = client.get("/jobs", limit=1)["jobs"]
        if not newest:
            raise PlainError("There are no jobs yet; start one with: trainstop run -- COMMAND")
        return dict(newest[0])
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        try:
            return dict(client.get(job_path(text))["job"])
        except ServerRefusal as refusal:
            if refusal.refusal not in ("job_not_found", "not_found"):
                raise
    found = _meant(client, text)
    if under_way and len(found) > 1:
        going = [job for job in found if job["status"] not in FINAL]
        found = going if len(going) == 1 else found
    if len(found) == 1:
        return found[0]
    if not found:
        raise PlainError(f"There is no job {text!r}; `trainstop ls` lists those there are.")
    lines = [
        f"  {job['id']}  {one_line(job['name'])}  {job['status']}, {age(job['created_at'])} old"
        for job in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        lines.append(f"  and {len(found) - SHOWN} more")
    raise PlainError("\n".join([f"{text!r} may mean any of these jobs; give more of an id:", *lines]))


def _meant(client: Client, text: str) -> list[Job]:
    named: list[Job] = []
    begun: list[Job] = []
    seen, cursor = 0, None
    while seen < LOOKED_THROUGH:
        page = client.get("/jobs", limit=PAGE, cursor=cursor)
        for job in page["jobs"]:
            if job["name"] == text:
                named.append(job)
            if text and (job["id"].startswith(text) or job["id"].startswith(f"job_{text}")):
                begun.append(job)
        seen += len(page["jobs"])
        cursor = page["next_cursor"]
        if cursor is None or not page["jobs"]:
            break
    return begun or named


def label(job: Job) -> str:
    """How a job is spoken of: name and id."""
    return f"{one_line(job['name'])} ({job['id']})"
