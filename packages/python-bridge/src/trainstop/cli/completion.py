"""`trainstop completion`"""

from __future__ import annotations

import argparse
from pathlib import Path

from trainstop.cli.client import connect, needs
from trainstop.cli.command import Command
from trainstop.cli.completion_words import PREAMBLE
from trainstop.cli.plain_error import MISUSED, PlainError
from trainstop.cli.server_choice import add_server_options

SHELLS = ("bash", "zsh", "tcsh")
NEWEST = 100


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", nargs="?", choices=SHELLS, help="the script for this shell")
    parser.add_argument("--words", choices=("jobs", "templates"), help=argparse.SUPPRESS)
    add_server_options(parser)


def _run(options: argparse.Namespace) -> int:
    if options.words is not None:
        return _words(options)
    if options.shell is None:
        raise PlainError(f"For which shell? trainstop completion {'|'.join(SHELLS)}", MISUSED)
    try:
        import shtab
    except ModuleNotFoundError as error:
        raise needs("cli", error.name) from None
    from trainstop.cli.main import parser

    whole = parser()
    complete_paths(whole, shtab.FILE, shtab.DIRECTORY)
    script = shtab.complete(whole, shell=options.shell, preamble=PREAMBLE.get(options.shell, ""))
    # shtab's word for "one or more" means in zsh: nothing after the first.
    print(script.replace('"(*):', '"*:') if options.shell == "zsh" else script)
    return 0


def complete_paths(parser: argparse.ArgumentParser, file: object, directory: object) -> None:
    """Every argument that is a path says so, in each command; so may the words of another program."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                complete_paths(command, file, directory)
        elif action.type is Path or action.nargs == argparse.REMAINDER:
            action.complete = directory if action.metavar == "DIR" else file  # type: ignore[attr-defined]


def _words(options: argparse.Namespace) -> int:
    """One a line, as the scripts ask for them on a key press. Where there is no server, there are none."""
    try:
        client = connect(options)
        if options.words == "templates":
            words = [each["id"] for each in client.get("/capabilities")["templates"]]
        else:
            words = ["last", *(each["id"] for each in client.get("/jobs", limit=NEWEST)["jobs"])]
    except PlainError:
        return 1
    print("\n".join(words))
    return 0


COMPLETION = Command(
    "completion",
    "print a shell's completion script",
    "Print the script that completes commands, options, files, jobs and templates. For bash, put this into "
    '~/.bashrc: eval "$(trainstop completion bash)"; for zsh, into ~/.zshrc after compinit: '
    'eval "$(trainstop completion zsh)"',
    _add_arguments,
    _run,
)
