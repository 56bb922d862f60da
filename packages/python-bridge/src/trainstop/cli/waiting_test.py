"""Who looks at a job that is not started yet is told why, wherever they look."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.cli.conftest import CONFIG, Place, serving_in

WHY = "It waits for its turn: this server runs 1 job at once (server.max_running_jobs)"


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Place]:
    """A server where one run at once has its place."""
    config = tmp_path / "crowded.toml"
    config.write_text(f"[server]\nmax_running_jobs = 1\n{CONFIG}")
    with serving_in(tmp_path) as start:
        yield Place(tmp_path, start("--config", str(config)).ready())


def test_a_run_that_waits_for_its_turn_says_so_in_show_ls_and_its_log(crowded: Place) -> None:
    first = crowded.start()
    terminal = crowded.terminal("run", "--", sys.executable, "-c", "print('at last')", columns=300)
    terminal.until(f"[trainstop] {WHY}")
    second = _newest(crowded)
    shown = crowded.say("show", second).out
    assert f"warning         {WHY}" in shown and "status          pending" in shown
    row = next(line for line in crowded.say("ls").out.splitlines() if line.startswith(second))
    assert row.endswith("  waiting_for_place")
    crowded.force(first)
    terminal.until("at last")
    assert terminal.end().code == 0
    assert "warning" not in crowded.say("show", second).out


def test_a_resume_that_waits_for_its_turn_says_so_while_it_is_watched(crowded: Place) -> None:
    job_id = crowded.start()
    assert crowded.say("pause", job_id).code == 0
    other = crowded.start()
    terminal = crowded.terminal("resume", job_id, columns=300, NO_COLOR="1")
    terminal.until(WHY)
    crowded.force(other)
    said = terminal.end()
    assert said.code == 0 and f"Steps ({job_id}) is running after" in said.out
    crowded.force(job_id)


def _newest(place: Place) -> str:
    with place.server.client() as client:
        return str(client.get("/jobs", params={"limit": 1}).json()["jobs"][0]["id"])
