"""`trainstop stop`"""

from __future__ import annotations

import argparse
import math
import sys
from typing import Any

from trainstop.cli.client import Client, connect
from trainstop.cli.command import Command
from trainstop.cli.job_choice import FINAL, Job, add_job_argument, choose_job, label
from trainstop.cli.json_option import add_json_option
from trainstop.cli.plain_error import INTERRUPTED, MISUSED, PlainError
from trainstop.cli.readable import age
from trainstop.cli.receipt_lines import time_left
from trainstop.cli.screen import Screen
from trainstop.cli.server_choice import add_server_options
from trainstop.cli.watching import Watch, Watched, outcome_code, tell_outcome

MODES = ("graceful", "checkpoint", "epoch", "force")
WAITING_MODES = ("checkpoint", "epoch")
REASONS = ("overfitting", "wrong_config", "free_resources", "cost", "good_enough", "other")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_argument(parser, several=True)
    parser.add_argument(
        "--mode",
        choices=MODES,
        help="graceful: finish the step, save, leave (default); checkpoint: run to the next scheduled one; "
        "epoch: to "
        "the end of the epoch; force: kill now",
    )
    parser.add_argument(
        "--wait-seconds",
        type=_wait_seconds,
        metavar="S",
        help="for checkpoint and epoch: the longest wait, then graceful (default: 3600)",
    )
    add_control_options(parser)
    parser.add_argument(
        "--yes", action="store_true", help="don't ask before a stop by force or of several runs"
    )
    add_server_options(parser)


def add_control_options(parser: argparse.ArgumentParser, *, grace: bool = True) -> None:
    """What stop, pause and resume have in common."""
    if grace:
        parser.add_argument(
            "--grace", type=seconds, metavar="S", help="how long it may take before its deadline"
        )
    parser.add_argument("--reason", choices=REASONS, help="kept with the command")
    parser.add_argument("--note", metavar="T", help="a sentence, kept with the command")
    parser.add_argument("--no-wait", action="store_true", help="return when the server has taken it on")
    add_json_option(parser, "one line a job at its end: the server's {outcome, command, job}")


def seconds(text: str, most: int = 86_400) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise argparse.ArgumentTypeError(f"seconds are a number from 0 to {most}")
    return value


def _wait_seconds(text: str) -> float:
    return seconds(text, most=7 * 86_400)


def control_body(options: argparse.Namespace) -> dict[str, Any]:
    body = {"reason": options.reason, "note": options.note}
    if "grace" in options:
        body["grace_seconds"] = options.grace
    return {name: value for name, value in body.items() if value is not None}


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    jobs = _without_doubles([choose_job(client, each, under_way=True) for each in options.jobs])
    body = control_body(options)
    if options.mode is not None:
        body["mode"] = options.mode
    if options.wait_seconds is not None and options.mode not in WAITING_MODES:
        raise PlainError(
            "--wait-seconds is for --mode checkpoint and --mode epoch; name one of them.", MISUSED
        )
    if options.wait_seconds is not None:
        body["wait_seconds"] = options.wait_seconds
    if not options.yes and not _agreed(
        screen, [job for job in jobs if job["status"] not in FINAL], options.mode
    ):
        screen.note("Nothing was stopped.")
        return INTERRUPTED
    return carry_out(screen, client, "cancel", jobs, body=body, options=options)


def carry_out(
    screen: Screen,
    client: Client,
    action: str,
    jobs: list[Job],
    *,
    body: dict[str, Any],
    options: argparse.Namespace,
) -> int:
    """Ask for all, then watch all, then tell how each ended. The worst exit code counts."""
    code = 0
    begun: list[tuple[dict[str, Any], Watched]] = []
    for job in jobs:
        try:
            result = client.post(f"/{action}/{job['id']}", body)["result"]
        except PlainError as error:
            if len(jobs) == 1:
                raise
            print(f"trainstop: {label(job)}: {error}", file=sys.stderr)
            code = max(code, error.code)
            continue
        if result["command"] is None:
            _nothing_to_do(screen, result, options.json)
        else:
            begun.append((result, Watched(result["job"], result["command"])))
            if not options.json:
                _taken_on(screen, result)
    watched = [each for _, each in begun]
    if watched and not options.no_wait:
        try:
            Watch(screen, client, watched, quiet=options.json).run()
        except KeyboardInterrupt:
            _stopped_watching(screen, action, [each for each in watched if not each.done])
            return INTERRUPTED
    for result, each in begun:
        if options.json:
            screen.json_line({**result, "command": each.command, "job": each.job})
        elif not options.no_wait:
            code = max(code, tell_outcome(screen, each))
        if options.json and not options.no_wait:
            code = max(code, outcome_code(each))
    return code


def _agreed(screen: Screen, jobs: list[Job], mode: str | None) -> bool:
    """Asks a person, once, where something would be lost or many runs end."""
    if not jobs or (mode != "force" and len(jobs) == 1) or not (screen.live and sys.stdin.isatty()):
        return True
    how = " by force" if mode == "force" else ""
    for job in jobs:
        screen.line(f"  {label(job)}: {_at_stake(job)}")
    question = f"Stop {'it' if len(jobs) == 1 else f'these {len(jobs)} runs'}{how}? [y/N] "
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _at_stake(job: Job) -> str:
    checkpoint, step = job["last_checkpoint"], job["progress"]["step"]
    if checkpoint is None:
        return "no checkpoint so far"
    text = f"last checkpoint {age(checkpoint['saved_at'])} ago"
    if step is not None and checkpoint["step"] is not None:
        text += f", {max(0, step - checkpoint['step'])} steps since"
    return text


def _taken_on(screen: Screen, result: dict[str, Any]) -> None:
    words = {"cancel": "Stopping", "pause": "Pausing", "resume": "Resuming"}
    command = result["command"]
    left = time_left(command) if command["status"] == "active" else None
    screen.line(f"{words[command['action']]} {label(result['job'])}" + (f", {left}." if left else "."))


def _nothing_to_do(screen: Screen, result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        screen.json_line(result)
        return
    job = result["job"]
    end = f" {job['end']['message']}" if job["end"] is not None else ""
    screen.line(f"{label(job)} is {job['status']} already; there was nothing to do.{end}")


def _stopped_watching(screen: Screen, action: str, left: list[Watched]) -> None:
    word = {"cancel": "stop", "pause": "pause", "resume": "resume"}[action]
    for each in left:
        screen.note(
            f"No longer watching; the {word} of {label(each.job)} goes on. trainstop show {each.job['id']}"
        )


def _without_doubles(jobs: list[Job]) -> list[Job]:
    return list({job["id"]: job for job in jobs}.values())


STOP = Command(
    "stop",
    "stop runs, with a checkpoint",
    "Stop runs. Each finishes its step, saves a checkpoint and leaves; what does not leave by the deadline "
    "is "
    "killed. Ctrl-C only stops watching.",
    _add_arguments,
    _run,
)
