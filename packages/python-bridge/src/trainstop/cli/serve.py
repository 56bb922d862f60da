"""`trainstop serve`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trainstop.cli.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument(
        "--port", type=port_number, default=8321, help="0 takes any free one (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".trainstop"),
        metavar="DIR",
        help="where jobs and their checkpoints are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="F",
        help="file with the token that callers must send; made if it is not there (default: DIR/token)",
    )
    parser.add_argument(
        "--config", type=Path, metavar="F", help="TOML file with the templates that may be started"
    )


def port_number(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    try:
        from trainstop.server.serving import CannotServe, ServeOptions, serve
    except ModuleNotFoundError as error:
        print(
            f'trainstop: {error.name} is not installed; run: pip install "trainstop[server]"', file=sys.stderr
        )
        return 1
    try:
        serve(
            ServeOptions(options.host, options.port, options.data, options.token_file, options.config),
            lambda url: print(f"Trainstop server: {url}", flush=True),
        )
    except CannotServe as error:
        print(f"trainstop: {error}", file=sys.stderr)
        return 1
    return 0


SERVE = Command("serve", "run the training server", "Run the training server.", _add_arguments, _run)
