"""The command line: `trainstop serve`, `trainstop verify`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trainstop import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 all is well, 1 it isn't, 2 the command line makes no sense."""
    options = _parser().parse_args(arguments)
    run = _serve if options.command == "serve" else _verify
    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trainstop", description="Stop, pause, resume and watch machine-learning training."
    )
    parser.add_argument("--version", action="version", version=f"trainstop {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve", help="run the training server", description="Run the training server."
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=8321, help="0 takes any free one (default: %(default)s)")
    serve.add_argument(
        "--data",
        type=Path,
        default=Path(".trainstop"),
        metavar="DIR",
        help="where jobs and their checkpoints are kept (default: %(default)s)",
    )
    serve.add_argument(
        "--token-file",
        type=Path,
        metavar="F",
        help="file with the token that callers must send; made if it is not there (default: DIR/token)",
    )
    serve.add_argument(
        "--config", type=Path, metavar="F", help="TOML file with the templates that may be started"
    )

    verify = commands.add_parser(
        "verify",
        help="check a checkpoint against its manifest",
        description="Check that every file of a checkpoint is there, whole and unchanged. Loads nothing.",
    )
    verify.add_argument(
        "directory", type=Path, metavar="DIR", help="a checkpoint, or a directory of checkpoints"
    )
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
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


def _verify(options: argparse.Namespace) -> int:
    from trainstop.checkpoints.manifest import MANIFEST_NAME
    from trainstop.checkpoints.verification import verify

    directory: Path = options.directory
    if not directory.is_dir():
        print(f"trainstop: {directory} is no directory; name a checkpoint's.", file=sys.stderr)
        return 2
    # Saves and removals under way begin with a dot; everything else claims to be a checkpoint.
    below = sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    good = True
    for path in [directory] if (directory / MANIFEST_NAME).exists() or not below else below:
        verification = verify(path)
        good = good and verification.ok
        if verification.ok and verification.manifest is not None:
            count = len(verification.manifest["files"])
            files = "1 file" if count == 1 else f"{count} files"
            print(f"{path}: good, {files}, saved at step {verification.manifest['step']}")
        for problem in verification.problems:
            print(f"{path}: {problem}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
