"""The commands together, and which of them was asked for."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from trainstop import __version__
from trainstop.cli.backup import BACKUP
from trainstop.cli.checkpoints import CHECKPOINTS
from trainstop.cli.completion import COMPLETION
from trainstop.cli.config import CONFIG
from trainstop.cli.doctor import DOCTOR
from trainstop.cli.logs import LOGS
from trainstop.cli.ls import LS
from trainstop.cli.pause import PAUSE
from trainstop.cli.plain_error import INTERRUPTED, MISUSED, PlainError
from trainstop.cli.restore import RESTORE
from trainstop.cli.resume import RESUME
from trainstop.cli.run import RUN
from trainstop.cli.serve import SERVE
from trainstop.cli.show import SHOW
from trainstop.cli.start import START
from trainstop.cli.stop import STOP
from trainstop.cli.systemd import SYSTEMD
from trainstop.cli.templates import TEMPLATES
from trainstop.cli.verify import VERIFY

COMMANDS = (
    *(SERVE, RUN, START, TEMPLATES),
    *(LS, SHOW, LOGS, CHECKPOINTS),
    *(STOP, PAUSE, RESUME),
    *(BACKUP, RESTORE),
    *(VERIFY, CONFIG, DOCTOR, SYSTEMD, COMPLETION),
)

EXIT_CODES = (
    "exit codes: 0 all is well; 1 it could not be done; 2 the command line makes no sense; 3 the run failed, "
    "or did not do what was asked; 130 Ctrl-C, or the run was stopped. `run` and `start --follow` end as the "
    "run does."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status; EXIT_CODES tells what each means."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name or a log that this locale can't write must not end the command.
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    whole = parser()
    if not words:
        whole.print_help(sys.stderr)
        return MISUSED
    options = whole.parse_args(words)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except PlainError as error:
        sys.stdout.flush()
        print(f"trainstop: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read this has seen enough. Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="trainstop",
        description="Stop, pause, resume and watch machine-learning training.",
        epilog=EXIT_CODES,
    )
    whole.add_argument("--version", action="version", version=f"trainstop {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.help, description=command.description)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return whole


if __name__ == "__main__":
    sys.exit(main())
