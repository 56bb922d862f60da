"""Real trees of real processes, stopped in every way; nobody may be left."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.control import write_control
from trainstop.rundir.wake import WakeFile, poke
from trainstop.shim.conftest import CHILD_KINDS, is_there, wait_until, wait_until_gone
from trainstop.shim.process_tree import kill_until_gone, marked_tree

if TYPE_CHECKING:
    from trainstop.shim.conftest import Attempt
    from trainstop.shim.process_tree import Process

CHANGED = (
    "import sys, trainstop.shim.supervisor as s; {}; "
    "from trainstop.shim.launch import launch; sys.exit(launch(sys.argv[1:]))"
)
NO_SUBREAPER = (
    "-c",
    CHANGED.format("s.become_subreaper = lambda: False; s.cgroup_around = lambda *_: None"),
)
POKING_SLOWLY = (
    "-c",
    CHANGED.format(
        "import time; real = s.poke; s.poke = lambda path: (path.with_suffix('.at').write_text("
        "str(time.time())), time.sleep(0.01), real(path))[2]"
    ),
)
NEVER_LOOKING_BY_ITSELF = ("-c", CHANGED.format("s.LOOK_SECONDS = 3600.0"))


def nobody_of(family: dict[str, Process]) -> bool:
    return not [name for name, process in family.items() if is_there(process)]


def test_a_graceful_cancel_that_everybody_ignores_ends_at_its_deadline_with_nobody_left(
    attempt: Attempt,
) -> None:
    family = attempt.start_family(*CHILD_KINDS, main="deaf")
    now = time.time()
    command = attempt.ask(term_at=now, deadline=now + 1)

    record = attempt.wait_for_exit()

    assert nobody_of(family)
    assert (record["exit_code"], record["signal"], record["error"]) == (None, signal.SIGKILL, None)
    kill = attempt.fact("kill_sent")
    assert kill["command_id"] == "cmd_1"
    assert set(kill["pids"]) == {process.pid for process in family.values()}
    assert unix_seconds(kill["at"]) >= command["deadline"] - 0.05, "killed before the deadline"
    told = [type_ for type_ in attempt.told() if type_ != "term_sent"]  # a machine may be too slow for that
    assert told == [
        "starting",
        "started",
        "delivered",
        "kill_sent",
        "main_exited",
        "swept",
        "tree_gone",
        "resources",
    ]
    assert attempt.fact("swept") | {"at": ""} == {"at": "", "type": "swept", "terminated": 0, "killed": 5}
    assert attempt.fact("tree_gone")["proven"] is True
    assert record["tree_gone_at"] == attempt.fact("tree_gone")["at"]
    assert record["main_exited_at"] == attempt.fact("main_exited")["at"]


def test_a_force_kills_everybody_at_once_without_sigterm(attempt: Attempt) -> None:
    family = attempt.start_family(*CHILD_KINDS, main="telling")
    attempt.ask(mode="force")

    record = attempt.wait_for_exit()

    assert nobody_of(family)
    assert record["signal"] == signal.SIGKILL
    assert "term_sent" not in attempt.told()
    assert attempt.told().index("delivered") < attempt.told().index("kill_sent")


def test_sigterm_goes_to_the_main_process_only(attempt: Attempt) -> None:
    family = attempt.start_family("plain", "setsid", main="telling")
    attempt.ask(term_at=time.time())

    attempt.meet("got_term")

    assert attempt.wait_for("term_sent")["pid"] == family["main"].pid
    assert is_there(family["plain"])
    assert is_there(family["setsid"])
    attempt.tell_main_to_exit(0)
    record = attempt.wait_for_exit()
    assert (record["exit_code"], record["signal"]) == (0, None)
    assert nobody_of(family)


def test_a_main_process_that_obeys_sigterm_is_told_to_have_died_of_it(attempt: Attempt) -> None:
    attempt.start_family()
    attempt.ask(term_at=time.time())
    record = attempt.wait_for_exit()
    assert (record["exit_code"], record["signal"]) == (None, signal.SIGTERM)
    assert "kill_sent" not in attempt.told()


def test_a_run_in_which_nobody_listens_is_asked_by_sigterm_at_once_and_has_the_whole_grace(
    attempt: Attempt,
) -> None:
    family = attempt.start_family("plain", main="telling", listens=False)
    attempt.ask()  # SIGTERM would be due in an hour

    attempt.meet("got_term")

    sent = attempt.wait_for("term_sent")
    assert sent["pid"] == family["main"].pid
    attempt.ask(term_at=time.time())  # when its time comes it is not sent again
    now = time.time()
    attempt.ask(term_at=now, deadline=now + 0.5)
    attempt.wait_for_exit()
    assert nobody_of(family)
    assert attempt.fact("term_sent") == sent
    assert unix_seconds(attempt.fact("kill_sent")["at"]) >= now + 0.45, "killed before the deadline"


def test_a_stop_that_waits_asks_those_who_do_not_listen_when_the_wait_is_over(attempt: Attempt) -> None:
    attempt.start_family(main="telling", listens=False)
    attempt.ask(mode="checkpoint", wait_until=time.time() + 3600)
    attempt.wait_for("delivered")
    over = time.time()
    attempt.ask(mode="checkpoint", wait_until=over)
    attempt.meet("got_term")
    assert unix_seconds(attempt.wait_for("term_sent")["at"]) >= over - 0.001


@pytest.mark.parametrize("who", ["a rank that died", "a rank that reports by HTTP"])
def test_whoever_may_hear_of_a_stop_otherwise_is_given_the_time_for_it(attempt: Attempt, who: str) -> None:
    attempt.start_family(main="telling", listens=False)
    if who == "a rank that died":
        WakeFile(attempt.run.rank_wake(3)).close()
    reports = {"reported": True} if who == "a rank that reports by HTTP" else {}
    attempt.ask(**reports)
    attempt.wait_for("delivered")
    due = time.time()
    attempt.ask(term_at=due, **reports)
    attempt.meet("got_term")
    assert unix_seconds(attempt.wait_for("term_sent")["at"]) >= due - 0.001


def test_what_the_ladders_sigterm_left_behind_has_the_rest_of_the_grace(attempt: Attempt) -> None:
    # As with a shell around a script: the shell dies, and the script has only begun to save.
    family = attempt.start_family("deaf", linger_seconds=0, listens=False)
    attempt.ask()
    attempt.wait_for("main_exited", signal=signal.SIGTERM)
    deadline = time.time() + 1
    attempt.ask(deadline=deadline)
    attempt.wait_for_exit()
    assert nobody_of(family)
    kill = attempt.fact("kill_sent")
    assert kill["command_id"] == "cmd_1"
    assert unix_seconds(kill["at"]) >= deadline - 0.05, "killed before the deadline"


def test_what_a_main_process_leaves_behind_gets_sigterm_and_whoever_ignores_it_sigkill(
    attempt: Attempt,
) -> None:
    family = attempt.start_family(*CHILD_KINDS, linger_seconds=3600)
    attempt.tell_main_to_exit(7)
    for name, process in family.items():
        if name != "deaf":
            wait_until_gone(process)
    assert is_there(family["deaf"]), "it still has time to linger"
    assert attempt.wait_for("main_exited")["exit_code"] == 7
    attempt.ask(mode="force")

    record = attempt.wait_for_exit()

    assert nobody_of(family)
    assert record["exit_code"] == 7
    assert attempt.fact("kill_sent")["pids"] == [family["deaf"].pid]
    assert attempt.fact("swept") | {"at": ""} == {"at": "", "type": "swept", "terminated": 5, "killed": 1}


def test_the_linger_time_ends_by_itself(attempt: Attempt) -> None:
    family = attempt.start_family(*CHILD_KINDS, linger_seconds=0.3)
    attempt.tell_main_to_exit(0)
    attempt.wait_for_exit()
    assert nobody_of(family)
    assert attempt.fact("kill_sent")["command_id"] is None


def test_a_cancel_whose_deadline_comes_first_ends_the_linger_time(attempt: Attempt) -> None:
    family = attempt.start_family("deaf", linger_seconds=3600)
    attempt.ask(term_at=None, deadline=time.time() + 0.5)
    attempt.tell_main_to_exit(0)
    attempt.wait_for_exit()
    assert nobody_of(family)


def test_a_main_process_killed_from_outside_leaves_nobody(attempt: Attempt) -> None:
    family = attempt.start_family(*CHILD_KINDS, linger_seconds=0.3)
    os.kill(family["main"].pid, signal.SIGKILL)
    record = attempt.wait_for_exit()
    assert record["signal"] == signal.SIGKILL
    assert nobody_of(family)


def test_without_subreaper_and_cgroup_orphans_are_found_by_their_mark_and_no_proof_is_claimed(
    attempt: Attempt,
) -> None:
    attempt.write_spec(attempt.family(*CHILD_KINDS), linger_seconds=0.3)
    assert attempt.launch(program=NO_SUBREAPER).returncode == 0
    family = attempt.meet("main", *CHILD_KINDS)
    attempt.tell_main_to_exit(0)
    attempt.wait_for_exit()
    assert nobody_of(family)
    gone = attempt.fact("tree_gone")
    assert gone["proven"] is False
    assert "orphans" in gone["detail"]


FORKING_WHILE_KILLED = """
import os, signal, sys, time
exec(sys.argv[1].partition("KINDS")[0])

def runner():  # a chain of processes, each alive for the blink of an eye
    ends = time.monotonic() + 20  # where the tests themselves are killed, nobody else would ever end it
    while time.monotonic() < ends:
        if os.fork():
            os._exit(0)
    os._exit(0)

def nurse():  # whoever dies is replaced at once
    def child():
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pause()
    signal.signal(signal.SIGCHLD, lambda *_: child())
    for _ in range(4):
        child()
    say("nurse")
    stay()

for life in (runner, nurse):
    if os.fork() == 0:
        life()
deaf()
say("main")
stay()
"""


def test_processes_that_fork_while_they_are_killed_do_not_get_away(attempt: Attempt) -> None:
    [*python, family, _] = attempt.family()
    attempt.start([*python, FORKING_WHILE_KILLED, family])
    attempt.meet("main", "nurse")
    attempt.ask(mode="force")
    attempt.wait_for_exit()
    assert marked_tree(attempt.run.path) == []
    assert attempt.fact("tree_gone")["proven"] is True


@pytest.mark.parametrize("mode", ["graceful", "force"])
def test_a_pause_never_kills_not_even_past_its_deadline(attempt: Attempt, mode: str) -> None:
    family = attempt.start_family("plain", main="telling")
    past = time.time() - 10
    attempt.ask(id="cmd_1", action="pause", mode=mode, term_at=past, deadline=past)
    attempt.wait_for("delivered", command_id="cmd_1")
    attempt.ask(id="cmd_2", action="pause", mode=mode, term_at=past, deadline=past)
    attempt.wait_for("delivered", command_id="cmd_2")  # the shim has been round since, with the deadline over
    write_control(attempt.run.control, None)
    attempt.ask(id="cmd_3", action="pause", mode=mode, term_at=past, deadline=past)
    attempt.wait_for("delivered", command_id="cmd_3")
    assert not nobody_of({"main": family["main"]})

    attempt.tell_main_to_exit(0)

    assert attempt.wait_for_exit()["exit_code"] == 0
    assert not {"term_sent", "kill_sent"} & set(attempt.told())


def test_a_cancel_before_the_start_sticks(attempt: Attempt) -> None:
    attempt.ask(poked=False)
    attempt.start(["touch", str(attempt.run.path / "was started")])
    record = attempt.wait_for_exit()
    assert not (attempt.run.path / "was started").exists()
    assert attempt.told() == ["not_started", "tree_gone", "resources"]
    assert attempt.fact("not_started")["command_id"] == "cmd_1"
    assert record.pop("tree_gone_at") == attempt.fact("tree_gone")["at"]
    assert record == {"exit_code": None, "signal": None, "error": None, "main_exited_at": None}


def test_a_pause_before_the_start_is_delivered_to_the_started(attempt: Attempt) -> None:
    attempt.ask(action="pause", poked=False)
    attempt.start_family()
    attempt.wait_for("delivered", command_id="cmd_1")
    assert attempt.told() == ["starting", "started", "delivered"]


def test_a_deadline_that_passed_while_the_shim_slept_is_kept_on_waking(attempt: Attempt) -> None:
    family = attempt.start_family("plain", main="deaf")
    os.kill(attempt.shim.pid, signal.SIGSTOP)
    command = attempt.ask(term_at=time.time(), deadline=time.time() + 0.05)
    while time.time() < command["deadline"]:
        time.sleep(0.01)
    os.kill(attempt.shim.pid, signal.SIGCONT)
    attempt.wait_for_exit()
    assert nobody_of(family)
    assert "term_sent" not in attempt.told()


def test_a_poke_and_a_death_are_acted_on_at_once(attempt: Attempt) -> None:
    attempt.write_spec(attempt.family())
    assert attempt.launch(program=NEVER_LOOKING_BY_ITSELF).returncode == 0
    attempt.meet("main")
    attempt.ask()
    attempt.wait_for("delivered")
    attempt.tell_main_to_exit(0)
    attempt.wait_for_exit()


def test_a_lost_poke_costs_time_only(attempt: Attempt) -> None:
    attempt.start_family()
    attempt.ask(poked=False)
    attempt.wait_for("delivered", command_id="cmd_1")


def test_delivered_says_how_many_ranks_listened(attempt: Attempt) -> None:
    listening = [WakeFile(attempt.run.rank_wake(rank)) for rank in (0, 1)]
    WakeFile(attempt.run.rank_wake(2)).close()  # a rank that is gone
    try:
        attempt.start_family()
        attempt.ask()
        assert attempt.wait_for("delivered")["ranks"] == 2
        assert [os.read(wake.fileno(), 10) for wake in listening] == [b"!", b"!"]
    finally:
        for wake in listening:
            wake.close()


def test_a_command_is_delivered_before_anybody_can_acknowledge_it(attempt: Attempt) -> None:
    wake = WakeFile(attempt.run.rank_wake(0))
    attempt.write_spec(attempt.family())
    assert attempt.launch(program=POKING_SLOWLY).returncode == 0
    attempt.meet("main")
    attempt.ask()
    fact = attempt.wait_for("delivered")
    wake.close()
    assert fact["ranks"] == 1
    poked_at = float(attempt.run.rank_wake(0).with_suffix(".at").read_text())
    assert unix_seconds(fact["at"]) <= poked_at + 0.001


def test_the_same_command_hastened_is_delivered_again_and_kept(attempt: Attempt) -> None:
    family = attempt.start_family(main="deaf")
    attempt.ask()
    attempt.wait_for("delivered")
    attempt.ask(term_at=time.time())
    attempt.wait_for("term_sent")
    attempt.ask(mode="force")
    attempt.wait_for_exit()
    assert nobody_of(family)
    assert attempt.told()[:6] == [
        "starting",
        "started",
        "delivered",
        "term_sent",  # an earlier signal is no news to a rank
        "delivered",
        "kill_sent",
    ]


def test_neither_a_later_deadline_nor_an_empty_nor_a_broken_control_file_takes_a_stop_back(
    attempt: Attempt,
) -> None:
    family = attempt.start_family(main="deaf")
    attempt.ask(deadline=time.time() + 1.5)
    attempt.wait_for("delivered")
    attempt.ask(deadline=time.time() + 3600)
    attempt.ask(deadline=float("nan"))
    write_control(attempt.run.control, None)
    attempt.run.control.write_text("{")
    attempt.wait_for_exit()
    assert nobody_of(family)


BROKEN = ("{", "[]", "{}", '{"command": 7}', '{"command": {"id": "cmd_1"}}')


def test_a_broken_control_file_is_told_to_people_and_the_next_good_one_counts(attempt: Attempt) -> None:
    attempt.start_family()
    for number, broken in enumerate(BROKEN, start=1):
        attempt.run.control.write_text(broken)
        poke(attempt.run.shim_wake)
        wait_until(lambda: attempt.run.shim_log.read_text().count("was passed over") == number)  # noqa: B023
    attempt.ask(mode="force")
    attempt.wait_for_exit()
    assert attempt.fact("delivered")["command_id"] == "cmd_1"


@pytest.mark.parametrize("server_wake", [None, "/nowhere/server.wake"])
def test_a_server_that_does_not_listen_is_not_missed(attempt: Attempt, server_wake: str | None) -> None:
    family = attempt.start_family("plain", server_wake=server_wake)
    attempt.tell_main_to_exit(3)
    assert attempt.wait_for_exit()["exit_code"] == 3
    assert nobody_of(family)


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_the_shim_ignores_what_ends_others(attempt: Attempt, number: signal.Signals, group: bool) -> None:
    attempt.start_family()
    if group:
        os.killpg(attempt.shim.pid, number)
    else:
        os.kill(attempt.shim.pid, number)
    attempt.ask()
    attempt.wait_for("delivered")


def test_a_job_outlives_its_shim_and_can_still_be_found_and_killed(attempt: Attempt) -> None:
    family = attempt.start_family(*CHILD_KINDS)
    shim = attempt.shim
    os.kill(shim.pid, signal.SIGKILL)
    wait_until_gone(shim)
    assert all(is_there(process) for process in family.values())
    assert set(marked_tree(attempt.run.path)) == set(family.values())

    killed, left = kill_until_gone(lambda: marked_tree(attempt.run.path), seconds=60)

    assert nobody_of(family)
    assert (killed, left) == (set(family.values()), [])
    assert not attempt.run.exit_record.exists()


@pytest.mark.parametrize(
    ("program", "exit_code", "number"),
    [("pass", 0, None), ("raise SystemExit(3)", 3, None), ("import os; os.kill(os.getpid(), 10)", None, 10)],
)
def test_how_the_main_process_ended_is_recorded(
    attempt: Attempt, program: str, exit_code: int | None, number: int | None
) -> None:
    attempt.start([sys.executable, "-I", "-S", "-c", program])
    record = attempt.wait_for_exit()
    assert (record["exit_code"], record["signal"]) == (exit_code, number)
    assert attempt.told() == ["starting", "started", "main_exited", "swept", "tree_gone", "resources"]
    assert attempt.fact("resources")["state"] == "not_measured"
    assert attempt.fact("main_exited")["exit_code"] == exit_code
    assert not attempt.run.shim_wake.exists()
    assert attempt.run.shim_log.read_text() == ""
