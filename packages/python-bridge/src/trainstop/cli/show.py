"""`trainstop show`"""

from __future__ import annotations

import argparse
from typing import Any

from trainstop.cli.client import connect, job_path
from trainstop.cli.command import Command
from trainstop.cli.job_choice import add_job_argument, choose_job, label
from trainstop.cli.json_option import add_json_option
from trainstop.cli.readable import (
    clock_time,
    duration,
    fraction_done,
    moment_and_age,
    number,
    size,
)
from trainstop.cli.receipt_lines import receipt_cells, time_left
from trainstop.cli.screen import STATUS_STYLES, Cell, Screen
from trainstop.cli.server_choice import add_server_options
from trainstop.cli.warnings_of import warnings_of

LABEL_WIDTH = 13
HISTORY = 10
"""Commands shown; `--json` gives the job, and the server all of them."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_argument(parser)
    add_json_option(parser, "the job's wire object as JSON")
    add_server_options(parser)


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    job = choose_job(client, options.job)
    if options.json:
        screen.json(job)
        return 0
    commands = client.get(job_path(job["id"], "commands"))["commands"]
    screen.line(Cell(label(job), "bold"))
    _status(screen, job)
    _progress(screen, job)
    for key in ("last_checkpoint", "best_checkpoint"):
        if job[key] is not None:
            _pair(screen, key.replace("_", " "), Cell(checkpoint_line(job[key])))
            _pair(screen, "", Cell(job[key]["path"], "dim"))
    if job["command"] is not None:
        _command_under_way(screen, job["command"])
    _capabilities(screen, job["capabilities"])
    _history(screen, commands)
    return 0


def checkpoint_line(checkpoint: dict[str, Any]) -> str:
    at = "" if checkpoint["step"] is None else f"step {checkpoint['step']}, "
    state = "verified" if checkpoint["verified"] else f"not good: {checkpoint['problem'] or 'not verified'}"
    saved = moment_and_age(checkpoint["saved_at"])
    return f"{checkpoint['id']}: {at}{size(checkpoint['bytes'])}, {state}, {saved}"


def _pair(screen: Screen, name: str, *value: Cell) -> None:
    screen.line(Cell(f"  {name:<{LABEL_WIDTH + 3}}", "dim"), *value)


def _status(screen: Screen, job: dict[str, Any]) -> None:
    held = [Cell(", holding its GPU", "yellow")] if job.get("held") else []
    health = [] if job["health"] == "ok" else [Cell(f", {job['health']}", "yellow")]
    _pair(screen, "status", Cell(job["status"], STATUS_STYLES.get(job["status"], "")), *held, *health)
    if job["end"] is not None:
        _pair(screen, "why it ended", Cell(job["end"]["message"]))
        how = _how(job["end"])
        if how:
            _pair(screen, "", Cell(how, "dim"))
    for warning in warnings_of(job):
        _pair(screen, "warning", Cell(warning.sentence, "yellow"))
    if job["owner"] is not None:
        _pair(screen, "owner", Cell(job["owner"]))
    if job["template"] is not None:
        params = ", ".join(f"{name}={value}" for name, value in job["params"].items())
        _pair(screen, "template", Cell(job["template"] + (f" ({params})" if params else "")))
    if job["resumed_from"] is not None:
        origin = job["resumed_from"]
        _pair(screen, "goes on from", Cell(f"{origin['job_id']}, {origin['checkpoint_id']}"))
    if job["resumed_as"] is not None:
        _pair(screen, "went on as", Cell(job["resumed_as"]))
    if job["attempt"] > 1:
        _pair(screen, "attempt", Cell(str(job["attempt"])))
    for key in ("created_at", "started_at", "ended_at"):
        if job[key] is not None:
            _pair(screen, key.removesuffix("_at"), Cell(moment_and_age(job[key])))


def _how(end: dict[str, Any]) -> str:
    if end["signal"] is not None:
        return f"by {end['signal']}"
    return "" if end["exit_code"] is None else f"exit code {end['exit_code']}"


def _progress(screen: Screen, job: dict[str, Any]) -> None:
    progress = job["progress"]
    parts = []
    for unit in ("step", "epoch"):
        if progress[unit] is not None:
            total = progress[f"{unit}_total"]
            parts.append(f"{unit} {number(progress[unit])}" + (f" of {total}" if total else ""))
    if progress["steps_per_second"]:
        parts.append(f"{number(round(progress['steps_per_second'], 2))} steps a second")
    if progress["eta_seconds"] is not None and job["status"] == "running":
        parts.append(f"{duration(progress['eta_seconds'])} left")
    if parts:
        done = fraction_done(job)
        bar = [] if done is None else [screen.bar(done), Cell("  ")]
        _pair(screen, "progress", *bar, Cell(", ".join(parts)))
    for index, (name, latest) in enumerate(sorted(job["latest_metrics"].items())):
        at = "" if latest["step"] is None else f" (step {latest['step']})"
        _pair(
            screen, "" if index else "metrics", Cell(f"{name} = {number(latest['value'])}"), Cell(at, "dim")
        )


def _command_under_way(screen: Screen, command: dict[str, Any]) -> None:
    left = time_left(command)
    _pair(
        screen, "under way", Cell(command_line(command)), Cell("" if left is None else f", {left}", "yellow")
    )
    for receipt in command["receipts"]:
        _pair(screen, "", *receipt_cells(receipt))


def command_line(command: dict[str, Any]) -> str:
    actor = command["actor"]
    who = actor["name"] or actor["id"] or actor["type"]
    parts = ["stop" if command["action"] == "cancel" else command["action"]]
    if command["mode"] and command["mode"] != "graceful":
        parts.append(f"({command['mode']})")
    if command["hold"]:
        parts.append("(hold)")
    parts.append(f"by {who} at {clock_time(command['created_at'])}")
    why = ", ".join(str(each) for each in (command["reason"], command["note"]) if each)
    return " ".join(parts) + (f": {why}" if why else "")


def _capabilities(screen: Screen, capabilities: dict[str, Any]) -> None:
    names = {"cancel": "stop", "force": "force", "pause": "pause", "resume": "resume"}
    details = {"cancel": ", ".join(capabilities.get("modes") or [])}
    if (capabilities.get("hold") or {}).get("allowed"):
        details["pause"] = "also with --hold"
    able = [
        names[key] + (f" ({details[key]})" if details.get(key) else "")
        for key in names
        # By force is one of the ways to stop, where those are told.
        if capabilities[key]["allowed"]
        and not (key == "force" and capabilities["cancel"]["allowed"] and details["cancel"])
    ]
    _pair(screen, "can", Cell(", ".join(able) or "nothing more"))
    for key, name in names.items():
        why = capabilities[key]["reason"] or ""
        told = key == "force" and why == capabilities["cancel"]["reason"]
        if not capabilities[key]["allowed"] and not told:
            _pair(screen, f"can't {name}", Cell(why, "dim"))


def _history(screen: Screen, commands: list[dict[str, Any]]) -> None:
    ended = [command for command in commands if command["status"] != "active"]
    for index, command in enumerate(ended[:HISTORY]):
        message = f" {command['message']}" if command["message"] else ""
        _pair(
            screen,
            "" if index else "history",
            Cell(f"{command_line(command)}: {command['status']}."),
            Cell(message, "dim"),
        )


SHOW = Command(
    "show", "all about one job", "Show everything there is to know about one job.", _add_arguments, _run
)
