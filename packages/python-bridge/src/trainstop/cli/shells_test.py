"""Completion as a person gets it: an interactive bash and zsh at a terminal, and the Tab key."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.cli.conftest import CLEAN, Place, Terminal

COMMANDS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
# Ctrl-T says what the line has become, and empties it.
SETUP = {
    "bash": r"""
told() { ((told += 1)); printf '[[%s]]%s.\n' "$READLINE_LINE" "$told"; READLINE_LINE=; READLINE_POINT=0; }
bind -x '"\C-t": told'
""",
    "zsh": r"""
autoload -Uz compinit; compinit -u -D
told() { ((told_ += 1)); print -r -- "[[$BUFFER]]$told_."; BUFFER=; }
zle -N told; bindkey '^T' told
""",
}


class Shell:
    def __init__(self, name: str, directory: Path, commands: Path) -> None:
        program = shutil.which(COMMANDS[name][0])
        assert program is not None, (
            f"{name} is needed to see what it completes; `npm test` installs it where that is allowed"
        )
        script = commands / f"setup.{name}"
        script.write_text(SETUP[name] + f'eval "$(trainstop completion {name})"\n')
        environment = {**CLEAN, "PATH": f"{commands}:{os.environ['PATH']}", "TERM": "xterm", "PS1": "$ "}
        environment |= {"HOME": str(commands), "HISTFILE": "/dev/null"}
        self.terminal = Terminal([program, *COMMANDS[name][1:]], directory, environment, 200)
        # In two halves: what is typed is shown too, and must not be taken for what is said.
        self.terminal.type(f"source {script}; echo rea''dy\n")
        self.terminal.until("ready")
        self._asked = 0

    def line_after(self, keys: str) -> str:
        """What the line is once these keys were pressed."""
        self._asked += 1
        self.terminal.type(keys + "\x14")
        shown = self.terminal.until(f"]]{self._asked}.")
        found = re.findall(rf"\[\[([^\n]*)\]\]{self._asked}\.", shown)
        return str(found[-1])


@pytest.fixture(params=sorted(COMMANDS))
def shell(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Iterator[Shell]:
    trainstop = tmp_path / "trainstop"
    trainstop.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trainstop.cli "$@"\n')
    trainstop.chmod(0o755)
    nearest = place.directory / ".trainstop"
    nearest.symlink_to(place.server.data_dir)
    shell = Shell(request.param, place.directory, tmp_path)
    try:
        yield shell
    finally:
        shell.terminal.process.kill()
        shell.terminal.end()
        nearest.unlink()


def test_tab_completes_commands_options_and_their_values(shell: Shell) -> None:
    assert shell.line_after("trainstop chec\t") == "trainstop checkpoints "
    assert shell.line_after("trainstop stop --mo\t") == "trainstop stop --mode "
    assert shell.line_after("trainstop stop --mode ep\t") == "trainstop stop --mode epoch "
    assert shell.line_after("trainstop pause --reason ov\t") == "trainstop pause --reason overfitting "
    assert shell.line_after("trainstop completion z\t") == "trainstop completion zsh "


def test_tab_completes_jobs_and_templates_of_the_server(shell: Shell, place: Place) -> None:
    job_id = place.start()
    beginning = job_id[:12]
    assert shell.line_after(f"trainstop show {beginning}\t") == f"trainstop show {job_id} "
    assert shell.line_after(f"trainstop stop last {beginning}\t") == f"trainstop stop last {job_id} "
    assert shell.line_after(f"trainstop logs -f {beginning}\t") == f"trainstop logs -f {job_id} "
    assert shell.line_after("trainstop start st\t") == "trainstop start steps "
    place.force(job_id)


def test_tab_completes_files_and_directories(shell: Shell) -> None:
    assert shell.line_after("trainstop serve --config tr\t").rstrip() == (
        "trainstop serve --config trainstop.toml"
    )
    assert shell.line_after("trainstop serve --data da\t").rstrip() == "trainstop serve --data data/"
    assert shell.line_after("trainstop run -- python st\t").rstrip() == "trainstop run -- python steps.py"
