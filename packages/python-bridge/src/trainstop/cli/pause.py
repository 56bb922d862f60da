"""`trainstop pause`"""

from __future__ import annotations

import argparse

from trainstop.cli.client import connect
from trainstop.cli.command import Command
from trainstop.cli.job_choice import add_job_argument, choose_job
from trainstop.cli.screen import Screen
from trainstop.cli.server_choice import add_server_options
from trainstop.cli.stop import add_control_options, carry_out, control_body


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_argument(parser, several=True)
    parser.add_argument("--hold", action="store_true", help="park at a step and keep the GPU")
    add_control_options(parser)
    add_server_options(parser)


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    jobs = {job["id"]: job for job in (choose_job(client, each, under_way=True) for each in options.jobs)}
    body = control_body(options)
    if options.hold:
        body["hold"] = True
    return carry_out(screen, client, "pause", list(jobs.values()), body=body, options=options)


PAUSE = Command(
    "pause",
    "pause runs, freeing the GPU",
    "Pause runs. Each saves a checkpoint and leaves, so that its GPU is free; `trainstop resume` starts it "
    "again "
    "from there. A pause never kills: what does not leave by the deadline goes on running.",
    _add_arguments,
    _run,
)
