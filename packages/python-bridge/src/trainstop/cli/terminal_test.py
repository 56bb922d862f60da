"""The same commands with a person before them."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from trainstop.cli.conftest import Place

COLOUR = re.compile("\x1b\\[[0-9;]*m")
DRAWN_AGAIN = re.compile("\x1b\\[[0-9;?]*[A-HJKhl]")


@pytest.fixture
def job_id(place: Place) -> str:
    return place.start()


def test_colours_and_bars_are_for_terminals_that_want_them(place: Place, job_id: str) -> None:
    shown = place.terminal("ls").end().out
    assert COLOUR.search(shown) and "─" in shown
    plain = place.terminal("ls", NO_COLOR="1").end().out
    assert not re.search("\x1b\\[[0-9;]*3[0-9]", plain) and "─" in plain
    dumb = place.terminal("ls", TERM="dumb").end().out
    assert "\x1b" not in dumb and "─" not in dumb and job_id in dumb
    ascii_only = place.terminal("ls", PYTHONIOENCODING="ascii").end().out
    assert ascii_only.isascii() and "." * 12 in ascii_only
    place.force(job_id)


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_a_narrow_terminal_shows_what_matters_most(place: Place, columns: int, job_id: str) -> None:
    shown = COLOUR.sub("", place.terminal("ls", columns=columns).end().out)
    lines = shown.splitlines()
    assert lines[0].startswith("JOB")
    assert all(len(line) <= columns for line in lines if not line.startswith("These are"))
    if columns >= 40:
        assert "STATUS" in lines[0] and re.match("job_[0-9a-f]{16}  ", lines[1])
    assert "NOTES" not in lines[0]
    place.force(job_id)


def test_ctrl_c_only_stops_watching_a_stop(place: Place) -> None:
    """A script that hears nothing of a stop."""
    deaf = "trap '' TERM; echo deaf; while :; do sleep 1; done"
    job_id = place.say("run", "--detach", "--", "sh", "-c", deaf).out.strip()
    place.job(job_id, lambda job: job["status"] == "running")
    terminal = place.terminal("stop", job_id)
    terminal.until("to its deadline  (Ctrl-C: stop watching)")
    terminal.type("\x03")
    said = terminal.end()
    assert said.code == 130
    assert f"No longer watching; the stop of sh ({job_id}) goes on." in said.out
    assert place.job(job_id)["status"] == "stopping"
    assert DRAWN_AGAIN.search(said.out), "the time that is left was drawn again"

    forced = place.terminal("stop", job_id, "--mode", "force")
    forced.until("Stop it by force? [y/N] ")
    forced.type("n\n")
    assert forced.end().code == 130 and place.job(job_id)["status"] == "stopping"

    forced = place.terminal("stop", job_id, "--mode", "force", "--yes")
    assert forced.end().code == 0
    assert place.job(job_id)["status"] == "cancelled"


def test_an_overdue_stop_is_offered_to_be_forced(place: Place) -> None:
    """No shim lets a stop become overdue; a clock that runs ahead here does."""
    deaf = "trap '' TERM; echo deaf; while :; do sleep 1; done"
    job_id = place.say("run", "--detach", "--", "sh", "-c", deaf).out.strip()
    place.job(job_id, lambda job: job["status"] == "running")
    ahead = place.directory / "ahead"
    ahead.mkdir(exist_ok=True)
    (ahead / "sitecustomize.py").write_text(
        "import time; real = time.time; time.time = lambda: real() + 3600"
    )
    terminal = place.terminal("stop", job_id, PYTHONPATH=str(ahead))
    terminal.until("Stop it by force now? What came after the last checkpoint is lost. [y/N] ")
    terminal.type("y\n")
    said = terminal.end()
    assert said.code == 0, said
    assert "a later stop (force) took its place" in said.out or "Stopped by force" in said.out
    assert place.job(job_id)["status"] == "cancelled"


def test_the_first_ctrl_c_in_run_stops_with_a_checkpoint(place: Place) -> None:
    terminal = place.terminal("run", "--", "python3", "steps.py", PATH=python_path())
    terminal.until("Started steps.py (job_")
    job_id = re.search(r"job_[0-9a-f]+", terminal.shown)[0]  # type: ignore[index]
    place.job(job_id, lambda job: (job["progress"]["step"] or 0) > 0)
    terminal.type("\x03")
    said = terminal.end()
    assert said.code == 130
    assert "Stopping it, with a checkpoint if it saves any." in said.out
    assert re.search(r"stop: [0-9:]+  checkpoint saved +done", said.out)
    assert "is cancelled. Stopped as asked, with a verified checkpoint." in said.out
    assert place.job(job_id)["last_checkpoint"]["verified"]


def test_the_second_ctrl_c_leaves_it_alone(place: Place) -> None:
    terminal = place.terminal("run", "--", "sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done")
    terminal.until("deaf")
    job_id = re.search(r"job_[0-9a-f]+", terminal.shown)[0]  # type: ignore[index]
    terminal.type("\x03")
    terminal.until("delivered")
    terminal.type("\x03")
    said = terminal.end()
    assert said.code == 130
    assert f"By force: trainstop stop {job_id} --mode force" in said.out
    assert place.job(job_id)["status"] == "stopping"
    place.force(job_id)


def test_a_terminal_is_not_at_the_mercy_of_a_log(place: Place) -> None:
    evil = r"\033[31mred\033[0m\033]0;title\007\033[2Jx\rfake\n"
    said = place.terminal("run", "--", "printf", evil).end()
    assert said.code == 0
    assert "\x1b[31mred\x1b[0mx\nfake\n" in said.out
    assert "\x1b]0" not in said.out and "\x1b[2J" not in said.out


def test_a_log_is_followed_across_attempts_to_the_end(place: Place) -> None:
    job_id = place.start()
    terminal = place.terminal("logs", "-f", job_id)
    assert place.say("pause", job_id).code == 0
    terminal.until(f"The run is paused; go on with: trainstop resume {job_id}")
    assert place.say("resume", job_id).code == 0
    terminal.until("Attempt 2.")
    place.force(job_id)
    said = terminal.end()
    assert said.code == 0


def test_who_comes_to_a_paused_run_is_told_what_it_waits_for(place: Place) -> None:
    job_id = place.start()
    assert place.say("pause", job_id).code == 0
    terminal = place.terminal("logs", "-f", job_id)
    terminal.until(f"The run is paused; go on with: trainstop resume {job_id}")
    terminal.type("\x03")
    assert terminal.end().code == 130
    place.force(job_id)


def test_nobody_is_asked_where_nobody_sits(place: Place) -> None:
    ids = [json.loads(place.say("start", "steps", "--json").out)["id"] for _ in range(2)]
    terminal = place.terminal("stop", "--mode", "force", *ids)
    terminal.until("Stop these 2 runs by force? [y/N] ")
    terminal.type("y\n")
    assert terminal.end().code == 0


def python_path() -> str:
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"
