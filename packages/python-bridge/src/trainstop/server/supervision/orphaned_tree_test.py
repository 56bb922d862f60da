from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trainstop.rundir.clock import now, rfc3339, unix_seconds
from trainstop.rundir.journal import Journal, read_facts
from trainstop.rundir.layout import RunDir
from trainstop.rundir.process_identity import boot_id
from trainstop.rundir.wake import WakeFile, poke
from trainstop.server.supervision import orphaned_tree
from trainstop.server.supervision.conftest import until
from trainstop.server.supervision.orphaned_tree import OrphanedTree
from trainstop.shim.process_tree import start_ticks_of

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

COUNTING = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"TERM\\n"))
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""
"""Says each SIGTERM and goes on."""

HOUR = 3600.0


@pytest.fixture
def run(place: Path) -> RunDir:
    run = RunDir.of(place, "job_a", 1)
    run.path.mkdir(parents=True)
    run.rank_journal(0).touch()  # somebody in it listens, or did
    return run


def cancel(*, term_in: float, deadline_in: float, id_: str = "cmd_1", **changes: Any) -> ControlCommand:
    command: ControlCommand = {
        "id": id_,
        "action": "cancel",
        "mode": "graceful",
        "created_at": now(),
        "term_at": now() + term_in,
        "deadline": now() + deadline_in,
    }
    return {**command, **changes}  # type: ignore[typeddict-item]


@contextmanager
def orphan(run: RunDir, *argv: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    marked = {"TRAINSTOP_RUN_DIR": str(run.path), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        argv, env=marked if env is None else env, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def counting_orphan(run: RunDir) -> Iterator[subprocess.Popen[bytes]]:
    with orphan(run, sys.executable, "-I", "-c", COUNTING) as process:
        assert said(process) == "ready"
        yield process


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def started(run: RunDir, process: subprocess.Popen[bytes]) -> None:
    """What a shim that has died since had written."""
    journal = Journal(run.shim_journal)
    journal.append("started", pid=process.pid, start_ticks=start_ticks_of(process.pid))
    journal.close()


def told(run: RunDir) -> list[str]:
    return [fact["type"] for fact in read_facts(run.path / "supervisor.jsonl", 0)[0]]


def test_the_main_process_gets_one_sigterm_when_it_is_time_whoever_sends_it(run: RunDir) -> None:
    with counting_orphan(run) as process:
        started(run, process)
        early, due = cancel(term_in=HOUR, deadline_in=2 * HOUR), cancel(term_in=0, deadline_in=HOUR)
        tree = OrphanedTree(run, "job_a", 5)
        wait = tree.act(early, written=True)
        assert wait is not None
        assert told(run) == ["delivered"]
        tree.act(due, written=True)
        assert said(process) == "TERM"
        tree.act(due, written=True)
        # A server that was killed and started again knows what the one before it did.
        OrphanedTree(run, "job_a", 5).act(due, written=True)
        assert told(run) == ["delivered", "term_sent"]
        process.kill()
        assert said(process) == "", "no second SIGTERM"


def test_where_nobody_ever_listened_sigterm_comes_at_once_when_the_command_is_there_to_explain_it(
    run: RunDir,
) -> None:
    run.rank_journal(0).unlink()
    with counting_orphan(run) as process:
        started(run, process)
        tree = OrphanedTree(run, "job_a", 5)
        later = cancel(term_in=HOUR, deadline_in=2 * HOUR)
        tree.act(later, written=False)
        assert told(run) == []
        tree.act(later, written=True)
        assert said(process) == "TERM"
        tree.act(later, written=True)
        assert told(run) == ["delivered", "term_sent"]


def test_where_the_command_can_be_written_nowhere_nobody_who_listens_is_waited_for(run: RunDir) -> None:
    run.rank_journal(0).unlink()
    with counting_orphan(run) as process:
        started(run, process)
        OrphanedTree(run, "job_a", 5).act(cancel(term_in=HOUR, deadline_in=2 * HOUR), written=None)
        assert said(process) == "TERM"


def test_a_run_directory_that_was_removed_does_not_prove_that_nobody_listens(run: RunDir) -> None:
    with counting_orphan(run) as process:
        started(run, process)
        tree = OrphanedTree(run, "job_a", 5)
        shutil.rmtree(run.path)
        tree.act(cancel(term_in=HOUR, deadline_in=2 * HOUR), written=None)
        tree.act(cancel(term_in=HOUR, deadline_in=-1), written=None)
        assert process.wait() == -signal.SIGKILL
        assert said(process) == "", "no SIGTERM before"


def test_what_is_left_of_a_main_process_that_our_sigterm_ended_has_the_rest_of_the_grace(
    run: RunDir,
) -> None:
    with orphan(run, "sleep", "1000") as main, counting_orphan(run) as work:
        started(run, main)
        tree = OrphanedTree(run, "job_a", 0)
        stop = cancel(term_in=0, deadline_in=HOUR)
        tree.act(stop, written=True)
        assert main.wait() == -signal.SIGTERM
        wait = tree.act(stop, written=True)
        assert said(work) == "TERM"
        assert wait is not None
        assert wait > HOUR / 2, "not the linger time, which is none here"
        assert work.poll() is None


def test_a_sigterm_that_the_shim_sent_before_it_died_is_not_repeated(run: RunDir) -> None:
    with counting_orphan(run) as process:
        started(run, process)
        journal = Journal(run.shim_journal)
        journal.append("term_sent", command_id="cmd_1", pid=process.pid)
        journal.close()
        OrphanedTree(run, "job_a", 5).act(cancel(term_in=0, deadline_in=HOUR), written=True)
        process.kill()
        assert said(process) == ""


def test_a_pause_is_delivered_and_never_signals(run: RunDir) -> None:
    wake = WakeFile(run.rank_wake(0))
    with counting_orphan(run) as process:
        started(run, process)
        tree = OrphanedTree(run, "job_a", 5)
        pause = cancel(term_in=0, deadline_in=-1, action="pause", term_at=None)
        assert tree.act(pause, written=True) is None
        fact = read_facts(run.path / "supervisor.jsonl", 0)[0][0]
        assert (fact["type"], fact["ranks"]) == ("delivered", 1)
        assert process.poll() is None
    wake.close()


def test_a_command_is_delivered_before_anybody_can_acknowledge_it(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    poked_at: list[float] = []

    def slow_poke(path: Path) -> bool:
        poked_at.append(now())
        time.sleep(0.01)  # a journal's times are rounded to milliseconds
        return poke(path)

    monkeypatch.setattr(orphaned_tree, "poke", slow_poke)
    wake = WakeFile(run.rank_wake(0))
    with counting_orphan(run) as process:
        started(run, process)
        OrphanedTree(run, "job_a", 5).act(cancel(term_in=HOUR, deadline_in=2 * HOUR), written=True)
        fact = read_facts(run.path / "supervisor.jsonl", 0)[0][0]
    assert (fact["type"], fact["ranks"]) == ("delivered", 1)
    assert unix_seconds(fact["at"]) <= poked_at[0] + 0.001
    wake.close()


@pytest.mark.parametrize("written", [True, False])
def test_at_the_deadline_everybody_is_killed_even_when_no_disk_took_the_command(
    run: RunDir, written: bool
) -> None:
    with counting_orphan(run) as main, counting_orphan(run) as child:
        started(run, main)
        tree = OrphanedTree(run, "job_a", 5)
        tree.act(cancel(term_in=-2, deadline_in=-1), written=written)
        assert (main.wait(), child.wait()) == (-signal.SIGKILL, -signal.SIGKILL)
        assert tree.living() == []
        assert tree.act(None, written=True) is None
    assert told(run) == (["delivered"] if written else []) + ["kill_sent", "swept"]


def test_what_the_main_process_left_behind_is_asked_and_then_killed(run: RunDir) -> None:
    with orphan(run, "true") as main:
        started(run, main)
        main.wait()
        with counting_orphan(run) as child:
            tree = OrphanedTree(run, "job_a", 0.2)
            assert tree.act(None, written=True) is not None
            assert said(child) == "TERM"

            def killed() -> bool:
                tree.act(None, written=True)
                return child.poll() is not None

            until(killed, "the sweep")
        tree.act(None, written=True)
    assert told(run) == ["kill_sent", "swept"]


def test_a_process_that_was_started_with_another_environment_is_known_from_the_journals(
    run: RunDir,
) -> None:
    with orphan(run, "sleep", "1000", env={"PATH": os.environ["PATH"]}) as main:
        assert OrphanedTree(run, "job_a", 5).living() == []
        started(run, main)
        assert [process.pid for process in OrphanedTree(run, "job_a", 5).living()] == [main.pid]


def test_a_rank_that_attached_is_known_too(run: RunDir) -> None:
    with orphan(run, "sleep", "1000", env={"PATH": os.environ["PATH"]}) as rank:
        journal = Journal(run.rank_journal(3))
        journal.append("attached", pid=rank.pid, start_ticks=start_ticks_of(rank.pid))
        journal.append("progress", step=1, epoch=None)
        journal.close()
        assert [process.pid for process in OrphanedTree(run, "job_a", 5).living()] == [rank.pid]


def test_where_nobody_noted_the_main_process_nobody_is_swept_while_the_run_may_go_on(run: RunDir) -> None:
    with counting_orphan(run) as process:
        assert OrphanedTree(run, "job_a", 0).act(None, written=True) is None
        assert process.poll() is None


def test_in_another_boot_nobody_is_left_whatever_the_pids_say(run: RunDir) -> None:
    with orphan(run, "sleep", "1000") as process:
        identity = {"boot_id": boot_id(), "pid": process.pid, "start_ticks": 1}
        run.shim_identity.write_text(json.dumps(identity))
        assert OrphanedTree(run, "job_a", 5).living() != []
        run.shim_identity.write_text(json.dumps({**identity, "boot_id": "another"}))
        assert OrphanedTree(run, "job_a", 5).living() == []


def test_what_a_full_disk_does_not_take_is_written_later_with_its_time(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_all = Journal.append_all
    full = True

    def when_there_is_room(journal: Journal, facts: list[dict[str, Any]]) -> None:
        if full:
            raise OSError(28, "No space left on device")
        append_all(journal, facts)

    monkeypatch.setattr(Journal, "append_all", when_there_is_room)
    with counting_orphan(run) as process:
        full = False
        started(run, process)
        full = True
        tree = OrphanedTree(run, "job_a", 5)
        command = cancel(term_in=0, deadline_in=HOUR)
        tree.act(command, written=True)
        assert said(process) == "TERM"
        by_then = rfc3339(now())
        full = False
        tree.act(command, written=True)
    facts = read_facts(run.path / "supervisor.jsonl", 0)[0]
    assert [fact["type"] for fact in facts] == ["delivered", "term_sent"]
    assert all(fact["at"] <= by_then for fact in facts)
