"""In whatever order things happen, a command is obeyed once, and only while it binds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.rundir.control import write_control
from trainstop.training import command_in_force
from trainstop.training.command_in_force import CommandInForce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "control.json"


moves = st.lists(
    st.one_of(
        st.tuples(
            st.just("ask"), st.sampled_from(["cancel", "pause"]), st.sampled_from(["graceful", "force"])
        ),
        st.sampled_from([("withdraw",), ("wait",), ("look",), ("decide",), ("sigterm",)]),
    ),
    max_size=14,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=moves)
def test_a_command_is_obeyed_once_and_only_while_it_binds(
    control: Path, moves: list[tuple[str, ...]]
) -> None:
    clock = 1000.0
    obeyed: list[str] = []
    in_file: ControlCommand | None = None
    cancel_was_seen = False

    def binds() -> bool:
        if in_file is not None and in_file["mode"] == "force":
            return False
        if cancel_was_seen:
            return True
        if in_file is None:
            return False
        return in_file["action"] == "cancel" or clock < in_file["deadline"]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(command_in_force, "now", lambda: clock)
        write_control(control, None)
        command = CommandInForce(control, lambda taken: obeyed.append(taken["id"]))
        for number, move in enumerate(moves):
            before = command.leaving
            cancel_was_seen = command.armed is not None and command.armed["action"] == "cancel"
            if move[0] == "ask":
                in_file = {
                    "id": f"{number}",
                    "action": "cancel" if move[1] == "cancel" else "pause",
                    "mode": "force" if move[2] == "force" else "graceful",
                    "created_at": clock,
                    "term_at": None,
                    "deadline": clock + 60,
                }
                write_control(control, in_file)
            elif move[0] == "withdraw":
                in_file = None
                write_control(control, None)
            elif move[0] == "wait":
                clock += 61
            elif move[0] == "look":
                command.look()
                if before is None:
                    assert (command.armed is not None) == binds()
            elif move[0] == "sigterm":
                assert command.explains_sigterm() == (before is not None or binds())
            elif command.armed is not None:  # what end_step does
                assert (command.take() is not None) == (before is not None or binds())
            assert len(obeyed) == len(set(obeyed))
            assert (command.leaving is None) == (obeyed == [])
            if command.leaving is not None:
                assert command.armed is not None
                assert obeyed[-1] == command.leaving["id"]
            if before is not None and before["action"] == "cancel":
                assert command.leaving is not None
                assert command.leaving["action"] == "cancel"


def test_an_unreadable_file_neither_asks_nor_withdraws(control: Path) -> None:
    asked: ControlCommand = {
        "id": "1",
        "action": "cancel",
        "mode": "graceful",
        "created_at": 0.0,
        "term_at": 1.0,
        "deadline": 2.0,
    }
    command = CommandInForce(control, lambda taken: None)
    control.write_text("{")
    command.look()
    assert command.armed is None
    write_control(control, asked)
    command.look()
    control.write_text("{")
    command.look()
    assert command.armed == asked
    assert command.take() == asked
