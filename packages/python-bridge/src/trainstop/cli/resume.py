"""`trainstop resume`"""

from __future__ import annotations

import argparse

from trainstop.cli.client import connect
from trainstop.cli.command import Command
from trainstop.cli.job_choice import add_job_argument, choose_job, label
from trainstop.cli.screen import Screen
from trainstop.cli.server_choice import add_server_options
from trainstop.cli.stop import add_control_options, carry_out, control_body


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_argument(parser)
    parser.add_argument(
        "--from",
        dest="from_",
        metavar="C",
        help="last (default), best, or a checkpoint's id (trainstop checkpoints)",
    )
    add_control_options(parser, grace=False)
    add_server_options(parser)


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    job = choose_job(client, options.job)
    body = control_body(options)
    if options.from_ is not None:
        body["from"] = options.from_
    if job["status"] == "paused":
        return carry_out(screen, client, "resume", [job], body=body, options=options)
    # The command is the old job's and ends at once; what runs is a new job.
    result = client.post(f"/resume/{job['id']}", body)["result"]
    if options.json:
        screen.json_line(result)
        return 0
    new = result["job"]
    if new["id"] == job["id"]:
        screen.line(f"{label(new)} is {new['status']}.")
        return 0
    origin = new["resumed_from"]
    where = f" from {origin['checkpoint_id']}" if origin else ""
    screen.line(f"{label(job)} goes on{where} as {new['id']}.")
    screen.line(f"  follow it with: trainstop logs -f {new['id']}")
    return 0


RESUME = Command(
    "resume",
    "go on from a checkpoint",
    "Resume a run. A paused one goes on itself; from one that was stopped or failed a new job goes on, "
    "whose id is "
    "printed.",
    _add_arguments,
    _run,
)
