"""`trainstop logs`"""

from __future__ import annotations

import argparse

from trainstop.cli.client import connect
from trainstop.cli.command import Command
from trainstop.cli.job_choice import FINAL, add_job_argument, choose_job
from trainstop.cli.json_option import add_json_option
from trainstop.cli.log_reading import LogFollowing, LogPrinter
from trainstop.cli.plain_error import INTERRUPTED
from trainstop.cli.screen import Screen
from trainstop.cli.server_choice import add_server_options


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_argument(parser)
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on until the run is over, also when resumed"
    )
    parser.add_argument(
        "-n", "--lines", type=_lines, metavar="N", help="begin with the last N lines (default: all)"
    )
    parser.add_argument("--attempt", type=_attempt, metavar="N", help="of this attempt (default: the newest)")
    add_json_option(parser, "one line a piece: {attempt, offset, next_offset, size, text}")
    add_server_options(parser)


def _lines(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError("lines are a whole number from 0 on")
    return int(text)


def _attempt(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError("an attempt is a whole number from 1 on")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    job = choose_job(client, options.job)
    printer = LogPrinter(screen, client, job["id"], options.attempt or job["attempt"], as_json=options.json)
    if options.lines is not None:
        printer.skip_to_last(options.lines)
    printer.catch_up()
    if not options.follow or job["status"] in FINAL:
        # A running job's may lack the rest of a character; nothing else is held back.
        printer.end()
        return 0
    following = LogFollowing(screen, client, job, printer)
    following.forget_command(job["command"])
    following.forget_command(job["last_command"])
    try:
        following.run()
    except KeyboardInterrupt:
        printer.end()
        return INTERRUPTED
    return 0


LOGS = Command(
    "logs",
    "what a run writes",
    "Show the output of a run. On a terminal its colours are kept and other escapes are not obeyed; "
    "elsewhere it comes "
    "as it is.",
    _add_arguments,
    _run,
)
