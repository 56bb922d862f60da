"""`trainstop run`"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainstop.cli.client import Client, operator_client
from trainstop.cli.command import Command
from trainstop.cli.inert import one_line
from trainstop.cli.job_choice import label
from trainstop.cli.json_option import add_json_option
from trainstop.cli.log_reading import LogFollowing, LogPrinter
from trainstop.cli.plain_error import FAILED, INTERRUPTED, MISUSED, PlainError
from trainstop.cli.screen import Screen
from trainstop.cli.server_choice import Server, add_server_options, choose_server
from trainstop.server.operator_socket_path import NAME, OperatorSocketError, socket_address

NOT_FOUND = 127
"""As shells have it: there is no such program."""
LONGEST_NAME = 200


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", metavar="N", help="the job's name (default: the script's or the program's)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--follow", action="store_true", help="show its output to the end (default)")
    how.add_argument("--detach", action="store_true", help="print its id and return")
    add_json_option(parser, "one object a line: the job, pieces of output, the job at its end")
    add_server_options(parser)
    parser.add_argument(
        "argv", nargs=argparse.REMAINDER, metavar="-- CMD", help="the program and its arguments"
    )


def _run(options: argparse.Namespace) -> int:
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise PlainError("There is nothing to run; write it as: trainstop run -- python train.py", MISUSED)
    screen = Screen()
    server = choose_server(options)
    environment = _environment(screen)
    _check(argv, environment)
    name = options.name or name_of(argv)
    job = _begin(server, {"argv": argv, "cwd": str(Path.cwd()), "env": environment, "name": name})
    client = Client(server)
    if options.json:
        screen.json_line(job)
    elif options.detach:
        screen.line(job["id"])
    if options.detach:
        return 0
    if not options.json:
        screen.note(f"[trainstop] Started {label(job)}.")
    return follow_to_the_end(screen, client, job, as_json=options.json)


def follow_to_the_end(screen: Screen, client: Client, job: dict[str, Any], *, as_json: bool = False) -> int:
    """Shows a run's output until it is over; its own exit code. The first Ctrl-C stops it with a checkpoint,
    the second leaves it to that."""
    printer = LogPrinter(screen, client, job["id"], job["attempt"], as_json=as_json)
    following = LogFollowing(screen, client, job, printer)
    interrupted = False
    while True:
        try:
            following.run()
            break
        except KeyboardInterrupt:
            printer.fresh_line()
            if interrupted:
                screen.note(
                    f"[trainstop] Left alone: {label(job)} goes on stopping by itself. By force: "
                    f"trainstop stop {job['id']} --mode force"
                )
                return INTERRUPTED
            interrupted = True
            screen.note(
                "[trainstop] Stopping it, with a checkpoint if it saves any. Ctrl-C again leaves it alone "
                "meanwhile."
            )
            client.post(f"/cancel/{job['id']}", {"note": "Ctrl-C in trainstop run"})
        except PlainError as error:
            raise PlainError(
                f"{error} The run goes on without this; look at it with: trainstop show {job['id']}",
                error.code,
            ) from None
    job = client.get(f"/jobs/{job['id']}")["job"]
    if as_json:
        screen.json_line(job)
    else:
        end = job["end"] or {"message": ""}
        screen.note(f"[trainstop] {label(job)} is {job['status']}. {end['message']}".rstrip())
    return exit_code_of(job)


def exit_code_of(job: dict[str, Any]) -> int:
    """The run's own, as a shell has it: 128 and the signal's number for one that was killed. Stopped: 130."""
    end = job["end"] or {}
    if job["status"] == "completed":
        return 0
    if job["status"] == "cancelled":
        return INTERRUPTED
    if end.get("exit_code"):
        return int(end["exit_code"]) & 0xFF or FAILED
    if end.get("signal"):
        try:
            return 128 + signal.Signals[end["signal"]].value
        except KeyError:
            return FAILED
    return FAILED


def name_of(argv: Sequence[str]) -> str:
    """The script's for an interpreter, else the program's."""
    program = Path(argv[0]).name
    if program.startswith("python") or program in ("torchrun", "accelerate", "bash", "sh"):
        for word in argv[1:]:
            if word.endswith((".py", ".sh")) and not word.startswith("-"):
                program = Path(word).name
                break
    return one_line(program)[:LONGEST_NAME] or "run"


def _begin(server: Server, wish: dict[str, Any]) -> dict[str, Any]:
    if server.data_dir is None:
        raise PlainError(
            "trainstop run works on the machine where the server is, and needs its data directory: name it "
            "with "
            "--data. From elsewhere, only the server's templates can be started (trainstop start)."
        )
    path = server.data_dir / NAME
    try:
        if not path.is_socket():
            raise PlainError(
                f"The server in {server.data_dir} has no operator's socket; its log says why, at its start."
            )
        if not os.access(path, os.W_OK):
            raise PlainError(
                f"{path} belongs to another user; only the user who runs the server may start any command."
            )
        with socket_address(server.data_dir) as address:
            client = operator_client(server, address)
            try:
                job: dict[str, Any] = client.post("/operator/jobs", wish)["job"]
            finally:
                client.close()
    except OperatorSocketError as error:
        raise PlainError(str(error)) from None
    except OSError as error:
        raise PlainError(f"The data directory {server.data_dir} can't be used: {error.strerror}.") from None
    return job


def _environment(screen: Screen) -> dict[str, str]:
    """The caller's own, without what belongs to a server or to another run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRAINSTOP_")}
    for name in [name for name, value in kept.items() if not _is_text(name + value)]:
        del kept[name]
        screen.note(f"[trainstop] The variable {one_line(name)} is no UTF-8 and was left out.")
    # Its output goes to a file, where Python would hold it back.
    kept.setdefault("PYTHONUNBUFFERED", "1")
    return kept


def _check(argv: Sequence[str], environment: dict[str, str]) -> None:
    for word in argv:
        if not _is_text(word):
            raise PlainError(f"The word {one_line(word)!r} is no UTF-8; rename what it names.", MISUSED)
    if shutil.which(argv[0], path=environment.get("PATH", os.defpath)) is None:
        raise PlainError(
            f"There is no program {argv[0]!r} that could be run; look at its name and at PATH.", NOT_FOUND
        )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


RUN = Command(
    "run",
    "run any command as a supervised job",
    "Run any command as a job of the server on this machine: in this directory, with this environment, "
    "without a "
    "terminal. Its output is shown until it ends. The first Ctrl-C stops it with a checkpoint; the second "
    "leaves it "
    "to that.",
    _add_arguments,
    _run,
)
