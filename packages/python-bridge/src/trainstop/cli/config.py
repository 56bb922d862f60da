"""`trainstop config`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trainstop.cli.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--config", type=Path, metavar="F", help="the file (default: none, so all defaults)")
    which.add_argument("--check", type=Path, metavar="F", help="only say whether this file is good")


def _run(options: argparse.Namespace) -> int:
    try:
        from trainstop.server.configuration.configuration import Configuration, read_configuration
        from trainstop.server.configuration.configuration_error import ConfigurationError
        from trainstop.server.configuration.effective import effective
    except ModuleNotFoundError as error:
        print(
            f'trainstop: {error.name} is not installed; run: pip install "trainstop[server]"', file=sys.stderr
        )
        return 1
    path = options.check or options.config
    try:
        configuration = Configuration() if path is None else read_configuration(path)
    except ConfigurationError as error:
        print(f"trainstop: {error}", file=sys.stderr)
        return 1
    print(f"{path}: good" if options.check else effective(configuration), end="\n" if options.check else "")
    return 0


CONFIG = Command(
    "config",
    "print or check the server's configuration",
    "Print the configuration that holds, defaults and all, without its secrets; or check a file.",
    _add_arguments,
    _run,
)
