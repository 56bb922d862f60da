"""Every state, everything that can be asked in it, everybody who can ask, over a real socket: the answers
follow from the table of transitions, so that no cell can be missed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from trainstop.protocol.receipt import RECEIPT_STAGES
from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.states import (
    FINAL,
    ON_THE_WIRE,
    STANDING_STILL,
    TRANSITIONS,
    Answer,
    State,
    Trigger,
    state_of,
)
from trainstop.server.routes.conftest import Site

ACTORS = ("user", "service", "rule", "system")
ASKS: dict[str, tuple[Trigger, dict[str, Any]]] = {
    "cancel": (Trigger.CANCEL, {"action": "cancel"}),
    "cancel at a checkpoint": (Trigger.CANCEL, {"action": "cancel", "mode": "checkpoint"}),
    "cancel at an epoch's end": (Trigger.CANCEL, {"action": "cancel", "mode": "epoch"}),
    "force": (Trigger.CANCEL, {"action": "cancel", "mode": "force"}),
    "pause": (Trigger.PAUSE, {"action": "pause"}),
    "hold": (Trigger.HOLD, {"action": "pause", "hold": True}),
    "resume": (Trigger.RESUME, {"action": "resume"}),
}


def _starting(desk: Desk) -> str:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    return job_id


def _running(desk: Desk) -> str:
    """It has saved once, and says that it does so again and ends epochs."""
    job_id = desk.running()
    desk.save(job_id)
    desk.tell(job_id, "rank-0", "schedule", save_every=100, epochs=True)
    return job_id


def _asked(action: str, **options: Any) -> Callable[[Desk], str]:
    def asked(desk: Desk) -> str:
        job_id = _running(desk)
        getattr(desk, action)(job_id, **options)
        return job_id

    return asked


def _obeyed(action: str, **options: Any) -> Callable[[Desk], str]:
    def obeyed(desk: Desk) -> str:
        job_id = _asked(action, **options)(desk)
        desk.obey(job_id)
        return job_id

    return obeyed


def _lifting(desk: Desk) -> str:
    job_id = _obeyed("pause", hold=True)(desk)
    desk.resume(job_id)
    return job_id


def _ended(exit_code: int) -> Callable[[Desk], str]:
    def ended(desk: Desk) -> str:
        job_id = _running(desk)
        desk.exit(job_id, exit_code)
        return job_id

    return ended


BUILT: dict[State, Callable[[Desk], str]] = {
    State.PENDING: lambda desk: desk.start(),
    State.STARTING: _starting,
    State.RUNNING: _running,
    State.PAUSING: _asked("pause"),
    State.HOLDING: _asked("pause", hold=True),
    State.PAUSED: _obeyed("pause"),
    State.HELD: _obeyed("pause", hold=True),
    State.LIFTING: _lifting,
    State.STOPPING: _asked("cancel"),
    State.CANCELLED: _obeyed("cancel"),
    State.COMPLETED: _ended(0),
    State.FAILED: _ended(1),
}


def state_now(desk: Desk, job_id: str) -> State:
    job, supervised = desk.job(job_id), desk.jobs.supervised_job(job_id)
    command = job["command"] or {}
    return state_of(
        status=job["status"],
        held=job["held"],
        claimed=supervised is not None and supervised.claimed,
        action=command.get("action"),
        hold=command.get("hold"),
    )


def test_no_state_is_left_out() -> None:
    assert set(BUILT) == set(State) == set(TRANSITIONS)


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("state", State)
def test_the_answer_is_what_the_table_says_whoever_asks(site: Site, state: State, ask: str) -> None:
    for actor in ACTORS:
        job_id = BUILT[state](site.desk)
        assert state_now(site.desk, job_id) is state
        Cell(site, state, ask, actor, job_id).check()


class Cell:
    """One of them: what was asked, and what must have come of it."""

    def __init__(self, site: Site, state: State, ask: str, actor: str, job_id: str) -> None:
        trigger, self.body = ASKS[ask]
        self.site, self.desk = site, site.desk
        self.state, self.outcome = state, TRANSITIONS[state][trigger]
        self.job_id = job_id
        self.actor = {"type": actor, "id": f"{actor}_1", "name": None}
        self.before = site.desk.job(job_id)

    def check(self) -> None:
        can = self.before["capabilities"][self._capability()]
        if self._capability() == "force":
            assert can["allowed"] == (self.state not in FINAL)
        elif self.body.get("mode") is None:
            assert can["allowed"] == (isinstance(self.outcome, State) or self.outcome is Answer.NEW_JOB)
        assert can["allowed"] == (can["reason"] is None)
        if self.outcome is Answer.CONFLICT:
            return self._is_refused()
        answer = self._ask(200, "ControlAnswer")["result"]
        if self.outcome is Answer.NO_OP:
            assert (answer["outcome"], answer["command"]) == ("no_op", None)
            assert answer["job"] == self.before == self.desk.job(self.job_id)
            return None
        assert answer["outcome"] == "accepted"
        command = answer["command"]
        if self.outcome is Answer.JOIN:
            assert command["id"] == self.before["command"]["id"]
            assert command["actor"] == self.before["command"]["actor"]
            assert state_now(self.desk, self.job_id) is self.state
        else:
            assert command["actor"] == self.actor
            self._is_carried_out(answer["job"], command)
        return self._stop_is_never_later(command)

    def _is_refused(self) -> None:
        error = self._ask(409, "Error")
        assert (error["code"], error["status"]) == ("conflict", self.before["status"])
        assert error["error"].endswith(".")
        assert self.desk.job(self.job_id) == self.before

    def _is_carried_out(self, job: dict[str, Any], command: dict[str, Any]) -> None:
        outcome = self.outcome
        receipts = {receipt["stage"]: receipt["state"] for receipt in command["receipts"]}
        assert (receipts["requested"], receipts["accepted"]) == ("done", "done")
        if outcome is Answer.NEW_JOB:
            assert job["resumed_from"]["job_id"] == self.job_id != job["id"]
            assert self.desk.job(self.job_id)["status"] == self.before["status"]
            assert (job["status"], command["status"]) == ("pending", "succeeded")
        else:
            assert isinstance(outcome, State)
            assert state_now(self.desk, self.job_id) is outcome
            assert (job["status"], job["held"]) == (ON_THE_WIRE[outcome], outcome in STANDING_STILL)
            at_once = outcome in (State.CANCELLED, State.PAUSED)
            assert command["status"] == ("succeeded" if at_once else "active")
            assert job["status_version"] > self.before["status_version"]
        if command["status"] == "succeeded":
            assert set(receipts) == set(RECEIPT_STAGES)
        self._what_was_under_way_has_given_way(command)

    def _what_was_under_way_has_given_way(self, command: dict[str, Any]) -> None:
        before = self.before["command"]
        if before is None:
            return
        after = self.desk.jobs.command(self.job_id, before["id"], None)
        assert (after["status"], after["superseded_by"]) == ("superseded", command["id"])
        assert [receipt["stage"] for receipt in after["receipts"]] == list(RECEIPT_STAGES)

    def _stop_is_never_later(self, command: dict[str, Any]) -> None:
        if self.body["action"] != "cancel" or command["status"] != "active":
            return
        if self.body.get("mode") == "force":
            assert command["mode"] == "force"
            assert unix_seconds(command["deadline"]) <= unix_seconds(command["created_at"]) + 60
            states = {receipt["stage"]: receipt["state"] for receipt in command["receipts"]}
            assert (states["acknowledged"], states["checkpoint_saved"]) == ("skipped", "skipped")
        if self.outcome is Answer.JOIN:
            assert unix_seconds(command["deadline"]) <= unix_seconds(self.before["command"]["deadline"])
        waits = self.body.get("mode") in ("checkpoint", "epoch")
        goes_on = waits and self.state in (State.RUNNING, State.PAUSING)
        assert (command["wait_until"] is not None) == goes_on

    def _capability(self) -> str:
        if self.body.get("mode") is not None:
            return str(self.body["mode"])
        return "hold" if self.body.get("hold") else str(self.body["action"])

    def _ask(self, status: int, schema: str) -> Any:
        headers = {"Trainstop-Actor": quote(json.dumps(self.actor))}
        path = f"/local/{self.job_id}/control"
        return self.site.post(path, schema, status=status, json=self.body, headers=headers)
