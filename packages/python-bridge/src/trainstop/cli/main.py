"""The commands together, and which of them was asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from trainstop import __version__
from trainstop.cli.config import CONFIG
from trainstop.cli.serve import SERVE
from trainstop.cli.verify import VERIFY

COMMANDS = (SERVE, CONFIG, VERIFY)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 all is well, 1 it isn't, 2 the command line makes no sense."""
    options = parser().parse_args(arguments)
    return int(options.run(options))


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="trainstop", description="Stop, pause, resume and watch machine-learning training."
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
