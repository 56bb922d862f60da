"""The ladder, as properties: nothing here knows a process or a clock."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainstop.shim.ladder import Order, next_step, receive

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand
    from trainstop.shim.ladder import Action

WALL = 1_800_000_000.0
STEADY = 5_000.0

seconds = st.floats(min_value=-100, max_value=100, allow_nan=False)


def commands(
    action: str | None = None, mode: str | None = None, id_: str | None = None
) -> st.SearchStrategy[Any]:
    moments = seconds.map(lambda offset: WALL + offset)
    return st.fixed_dictionaries(
        {
            "id": st.sampled_from(["cmd_a", "cmd_b"]) if id_ is None else st.just(id_),
            "action": st.sampled_from(["cancel", "pause", "resume"]) if action is None else st.just(action),
            "mode": st.sampled_from(["graceful", "checkpoint", "epoch", "force"])
            if mode is None
            else st.just(mode),
            "created_at": st.just(WALL),
            "term_at": st.none() | moments,
            "deadline": moments,
        }
    )


def read(standing: Order | None, command: ControlCommand | None, after: float = 0.0) -> Order | None:
    return receive(standing, command, wall_now=WALL + after, steady_now=STEADY + after)


def order(command: ControlCommand) -> Order:
    received = read(None, command)
    assert received is not None
    return received


def climb(order: Order, from_: float, looks: list[float], **state: Any) -> list[tuple[float, Action]]:
    """What somebody does who looks whenever the ladder says, and at other times too, until the kill."""
    done: list[tuple[float, Action]] = []
    now = from_
    pending = sorted(look for look in looks if look > from_)
    for _ in range(50):
        action, at = next_step(order, now, **state)
        if action == "wait":
            upcoming = [moment for moment in (at, *pending[:1]) if moment is not None]
            if not upcoming:
                return done
            assert min(upcoming) > now, "the ladder asked for a look at a time that is over"
            now = min(upcoming)
            pending = [look for look in pending if look > now]
            continue
        done.append((now, action))
        if action == "kill":
            return done
        state["term_sent" if action == "term_main" else "left_behind_termed"] = True
    raise AssertionError(f"the ladder has no end: {done}")


@given(commands("pause") | commands("resume"), seconds, st.booleans())
def test_a_pause_never_sends_a_signal_nor_what_ends_a_hold(
    pause: ControlCommand, later: float, term_sent: bool
) -> None:
    assert next_step(order(pause), STEADY + later, term_sent=term_sent) == ("wait", None)


@given(commands("cancel"), st.lists(seconds.map(lambda offset: STEADY + offset)))
def test_a_cancel_kills_at_its_deadline_or_at_once_and_never_later(
    cancel: ControlCommand, looks: list[float]
) -> None:
    done = climb(order(cancel), STEADY, looks)
    kill_at, action = done[-1]
    assert action == "kill"
    deadline = STEADY if cancel["mode"] == "force" else max(STEADY, STEADY + cancel["deadline"] - WALL)
    assert kill_at == pytest.approx(deadline, abs=1e-6)


@given(commands("cancel", "graceful"), st.lists(seconds.map(lambda offset: STEADY + offset)))
def test_the_main_process_gets_at_most_one_sigterm_and_only_when_it_is_time(
    cancel: ControlCommand, looks: list[float]
) -> None:
    terms = [at for at, action in climb(order(cancel), STEADY, looks) if action == "term_main"]
    term_at = cancel["term_at"]
    if term_at is None or max(term_at, WALL) >= cancel["deadline"]:
        assert terms == []
    else:
        assert terms == [pytest.approx(max(STEADY, STEADY + term_at - WALL), abs=1e-6)]


@given(commands("cancel"), st.none() | seconds, st.lists(seconds.map(lambda offset: STEADY + offset)))
def test_where_nobody_listens_sigterm_comes_when_the_grace_begins(
    cancel: ControlCommand, wait: float | None, looks: list[float]
) -> None:
    cancel = {**cancel, "wait_until": None if wait is None else WALL + wait}
    done = climb(order(cancel), STEADY, looks, nobody_listens=True)
    assert done[-1] == climb(order(cancel), STEADY, looks)[-1], "the kill has its time all the same"
    begins = WALL + wait if wait is not None and cancel["mode"] in ("checkpoint", "epoch") else WALL
    terms = [at for at, action in done if action == "term_main"]
    asked = cancel["term_at"]
    term_at = None if asked is None else max(min(asked, begins), WALL)
    if cancel["mode"] == "force" or term_at is None or term_at >= cancel["deadline"]:
        assert terms == []
    else:
        assert terms == [pytest.approx(STEADY + term_at - WALL, abs=1e-6)]


@given(st.sampled_from(["pause", "resume"]), seconds)
def test_a_pause_that_nobody_hears_never_becomes_a_signal(action: str, later: float) -> None:
    command = {"id": "cmd_a", "action": action, "mode": "graceful", "created_at": WALL}
    heard = order(cast("ControlCommand", {**command, "term_at": WALL, "deadline": WALL}))
    assert next_step(heard, STEADY + later, nobody_listens=True) == ("wait", None)


def test_a_rank_that_reports_is_never_forgotten_and_a_shorter_wait_is_news() -> None:
    times = {"created_at": WALL, "term_at": WALL + 45, "deadline": WALL + 60, "wait_until": WALL + 30}
    command = cast("ControlCommand", {"id": "cmd_a", "action": "cancel", "mode": "epoch", **times})
    reported = read(order(command), {**command, "reported": True})
    assert reported is not None
    assert reported.reported
    assert not reported.tells_ranks_more_than(order(command))
    shorter = read(reported, {**command, "wait_until": WALL + 10})
    assert shorter is not None
    assert (shorter.wait_until, shorter.reported) == (STEADY + 10, True)
    assert shorter.tells_ranks_more_than(reported)
    assert read(shorter, command) is shorter


@given(commands("cancel", id_="cmd_a"), commands("cancel", id_="cmd_a"), st.floats(0, 50))
def test_the_same_command_again_only_shortens(
    first: ControlCommand, again: ControlCommand, after: float
) -> None:
    before = order(first)
    killed_at = climb(before, STEADY + after, [])[-1][0]
    hastened = read(before, again, after)
    assert hastened is not None
    assert climb(hastened, STEADY + after, [])[-1][0] <= killed_at
    asked = climb(order(again), STEADY + after, [])[-1][0]
    assert climb(hastened, STEADY + after, [])[-1][0] == pytest.approx(min(killed_at, asked), abs=1e-6)


@given(commands("cancel", "graceful", "cmd_a"), st.floats(0, 50), st.sampled_from(["cmd_a", "cmd_b"]))
def test_a_force_kills_at_once(cancel: ControlCommand, after: float, id_: str) -> None:
    force = cast("ControlCommand", {**cancel, "id": id_, "mode": "force"})
    forced = read(order(cancel), force, after)
    assert next_step(forced, STEADY + after)[0] == "kill"
    again = read(forced, cast("ControlCommand", {**cancel, "id": id_}), after)
    assert again is forced, "a force is not taken back by its own command"


@given(commands(), st.floats(0, 1e6), st.floats(-1e6, 1e6))
def test_reading_the_same_command_again_is_no_news_even_after_the_wall_clock_was_set(
    command: ControlCommand, later: float, clock_set_by: float
) -> None:
    standing = order(command)
    again = receive(standing, command, wall_now=WALL + later + clock_set_by, steady_now=STEADY + later)
    assert again is standing


@given(st.lists(commands() | st.none(), min_size=1, max_size=8))
def test_a_cancel_stands_until_another_cancel(heard: list[ControlCommand | None]) -> None:
    standing: Order | None = None
    history: list[Order | None] = []
    for command in heard:
        if command is not None and standing is not None:
            same = standing.command_id == command["id"]
            if same and standing.action != command["action"]:
                with pytest.raises(ValueError, match="was a"):
                    read(standing, command)
                continue
        standing = read(standing, command)
        history.append(standing)
    for earlier, later in pairwise(history):
        if earlier is not None and earlier.is_cancel:
            assert later is not None
            assert later.is_cancel


@given(commands("pause"))
def test_an_emptied_control_file_ends_a_pause(pause: ControlCommand) -> None:
    assert read(order(pause), None) is None


@given(commands() | st.none(), st.floats(0, 100), st.lists(seconds.map(lambda offset: STEADY + offset)))
def test_what_the_main_process_left_behind_is_asked_once_and_killed_when_the_linger_time_is_over(
    command: ControlCommand | None, linger: float, looks: list[float]
) -> None:
    standing = None if command is None else order(command)
    done = climb(cast("Order", standing), STEADY, looks, linger_until=STEADY + linger)
    kill_at, action = done[-1]
    assert action == "kill"
    assert [action for _, action in done[:-1]] in ([], ["term_left_behind"])
    expected = STEADY + linger
    if command is not None and command["action"] == "cancel":
        deadline = STEADY if command["mode"] == "force" else STEADY + command["deadline"] - WALL
        expected = min(expected, max(STEADY, deadline))
    assert kill_at == pytest.approx(expected, abs=1e-6)
    if kill_at > STEADY:
        assert done[0] == (STEADY, "term_left_behind")


@given(st.sampled_from(["checkpoint", "epoch"]), st.floats(0, 1e6))
def test_where_the_run_may_wait_the_ladder_waits_for_it(mode: str, wait: float) -> None:
    times = {"created_at": WALL, "term_at": WALL + wait + 45, "deadline": WALL + wait + 60}
    command = cast("ControlCommand", {"id": "cmd_a", "action": "cancel", "mode": mode, **times})
    terms = climb(order(command), STEADY, [])
    assert [action for _, action in terms] == ["term_main", "kill"]
    assert terms[0][0] == pytest.approx(STEADY + wait + 45)


def test_the_same_stop_that_becomes_more_urgent_is_news_and_less_urgent_is_not() -> None:
    times = {"created_at": WALL, "term_at": WALL + 45, "deadline": WALL + 60}
    standing: Order | None = None
    for mode, urgency in (("epoch", 0), ("graceful", 1), ("checkpoint", 1), ("force", 2), ("graceful", 2)):
        command = cast("ControlCommand", {"id": "cmd_a", "action": "cancel", "mode": mode, **times})
        before, standing = standing, read(standing, command)
        assert standing is not None
        assert (standing is not before) == (before is None or standing.mode != before.mode)
        assert standing.mode == ("epoch", "graceful", "force")[urgency]


def test_nothing_is_due_while_nobody_asks() -> None:
    assert next_step(None, STEADY) == ("wait", None)


@pytest.mark.parametrize(
    "broken",
    [
        {"deadline": float("nan")},
        {"deadline": float("inf")},
        {"deadline": "soon"},
        {"deadline": None},
        {"deadline": True},
        {"term_at": float("nan")},
        {"id": ""},
        {"id": 7},
        {"action": "start"},
        {"mode": "at_full_moon"},
    ],
)
def test_a_command_that_makes_no_sense_is_refused(broken: dict[str, Any]) -> None:
    good = {
        "id": "c",
        "action": "cancel",
        "mode": "graceful",
        "created_at": 0.0,
        "term_at": 1.0,
        "deadline": 2.0,
    }
    with pytest.raises(ValueError, match="control file"):
        read(None, cast("ControlCommand", good | broken))
