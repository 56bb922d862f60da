"""docs/cli.md tells of every command and every option that there is."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from trainstop.cli.main import COMMANDS, main, parser

DOCUMENT = (Path(__file__).parents[5] / "docs" / "cli.md").read_text()
EVERYWHERE = {"--help", "-h", "--url", "--token-file", "--data", "--json"}


def section(name: str) -> str:
    """What is under the heading that names a command, with what stands above it for its group."""
    heading = rf"### .*`trainstop {name}\b"
    for group in re.split(r"\n(?=## )", DOCUMENT):
        above, *parts = re.split(r"\n(?=### )", group)
        for part in parts:
            if re.match(heading, part):
                return above + part
    pytest.fail(f"docs/cli.md has no heading for trainstop {name}")


def options_of(name: str) -> list[argparse.Action]:
    actions = next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    one = actions.choices[name]
    return [each for each in one._actions if each.help != argparse.SUPPRESS]


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_and_option_is_told(name: str) -> None:
    text = section(name)
    for action in options_of(name):
        for option in set(action.option_strings) - EVERYWHERE:
            assert re.search(rf"{option}\b", text), f"{name} {option} is not in docs/cli.md"
        if action.option_strings and action.choices:
            for choice in action.choices:
                assert str(choice) in text, f"{name} {action.option_strings[0]} {choice}"


def test_every_example_is_a_command_line_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"^\$ trainstop (.*)$", DOCUMENT, re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        words = line.partition(" | ")[0].split()
        assert parser().parse_args(words).command == words[0], line


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_has_help_that_says_what_each_option_is(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert name in capsys.readouterr().out
    for action in options_of(name):
        assert action.help, f"{name} {action.dest}"
