from __future__ import annotations

import json
import threading
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from trainstop.server.routes.conftest import PROTOCOL, Site


def test_the_fixed_shape_of_a_control_call(site: Site) -> None:
    job_id = site.desk.running()
    body = {"action": "cancel", "reason": "overfitting", "note": "loss rises\nsince epoch 4"}
    answer = site.post(f"/local/{job_id}/control", "ControlAnswer", json=body)
    assert (answer["success"], answer["action"], answer["job_id"]) == (True, "cancel", job_id)
    assert answer["result"]["outcome"] == "accepted"
    assert answer["result"]["command"]["note"] == body["note"]
    assert answer["result"]["job"]["status"] == "stopping"


@pytest.mark.parametrize("request_", [{}, {"json": {}}, {"json": {"reason": "cost"}}])
def test_the_calls_by_path_take_options_or_nothing(site: Site, request_: dict[str, Any]) -> None:
    job_id = site.desk.running()
    assert site.post(f"/pause/{job_id}", "ControlAnswer", **request_)["action"] == "pause"
    assert site.post(f"/cancel/{job_id}", "ControlAnswer", **request_)["action"] == "cancel"
    site.desk.obey(job_id)
    answer = site.post(f"/resume/{job_id}", "ControlAnswer", **request_)
    assert answer["job_id"] == job_id
    assert answer["result"]["job"]["resumed_from"]["job_id"] == job_id


def test_keys_that_a_newer_client_adds_are_passed_over(site: Site) -> None:
    job_id = site.desk.running()
    body = {"action": "cancel", "job_id": job_id, "colour": "red"}
    site.post(f"/local/{job_id}/control", "ControlAnswer", json=body)


def test_a_stop_of_a_finished_run_is_no_error_and_changes_nothing(site: Site) -> None:
    job_id = site.desk.stopped()
    before = site.desk.job(job_id)
    answer = site.post(f"/cancel/{job_id}", "ControlAnswer")
    assert (answer["result"]["outcome"], answer["result"]["command"]) == ("no_op", None)
    assert answer["result"]["job"] == before


def test_who_asked_is_kept(site: Site) -> None:
    job_id = site.desk.running()
    actor = {"type": "user", "id": "u-1", "name": "Zoë 🚂"}
    headers = {"Trainstop-Actor": quote(json.dumps(actor)), "Idempotency-Key": "intent-1"}
    answer = site.post(f"/cancel/{job_id}", "ControlAnswer", headers=headers)
    assert answer["result"]["command"]["actor"] == actor
    assert answer["result"]["command"]["idempotency_key"] == "intent-1"
    listed = site.get(f"/jobs/{job_id}/commands", "CommandsAnswer")["commands"]
    assert listed == [answer["result"]["command"]]


def test_prefer_wait_answers_when_the_command_is_done(site: Site) -> None:
    job_id = site.desk.running()
    answered = threading.Event()
    answers: list[httpx.Response] = []

    def ask() -> None:
        headers = {"Prefer": "respond-async, wait=60"}
        answers.append(site.client.post(f"/cancel/{job_id}", headers=headers))
        answered.set()

    thread = threading.Thread(target=ask)
    thread.start()
    while not site.server.broadcast.listens(job_id):
        assert not answered.wait(0.01)
    assert not answered.is_set()
    site.desk.obey(job_id)
    thread.join(60)
    result = answers[0].json()["result"]
    assert result["command"]["status"] == "succeeded"
    assert result["job"]["status"] == "cancelled"
    assert answers[0].headers["preference-applied"] == "wait=60"


def test_prefer_wait_answers_when_the_time_is_up(site: Site) -> None:
    job_id = site.desk.running()
    answer = site.post(f"/cancel/{job_id}", "ControlAnswer", headers={"Prefer": "wait=1"})
    assert answer["result"]["command"]["status"] == "active"


def too_large() -> bytes:
    return json.dumps({"action": "cancel", "note": "x" * 70_000}).encode()


JSON = {"content-type": "application/json"}
BAD = [
    ("malformed JSON", {"content": b'{"action":', "headers": JSON}, 400, None),
    ("no JSON at all", {"content": b"action=cancel", "headers": JSON}, 400, None),
    ("bytes that are no UTF-8", {"content": b'{"action":"\xff"}', "headers": JSON}, 400, None),
    ("NaN", {"content": b'{"action":"cancel","grace_seconds":NaN}', "headers": JSON}, 400, None),
    (
        *(
            "a number out of range",
            {"content": b'{"action":"cancel","grace_seconds":1e999}', "headers": JSON},
        ),
        *(400, None),
    ),
    ("brackets without end", {"content": b"[" * 50_000, "headers": JSON}, 400, None),
    ("too much", {"content": too_large(), "headers": JSON}, 413, None),
    ("a form", {"data": {"action": "cancel"}}, 415, None),
    ("plain text", {"content": b'{"action":"cancel"}', "headers": {"content-type": "text/plain"}}, 415, None),
    ("a list", {"json": ["cancel"]}, 422, None),
    ("nothing", {}, 422, "action"),
    ("an unknown action", {"json": {"action": "explode"}}, 422, "action"),
    ("an action that is no text", {"json": {"action": ["cancel"]}}, 422, "action"),
    ("an unknown mode", {"json": {"action": "cancel", "mode": "soft"}}, 422, "mode"),
    ("an unknown reason", {"json": {"action": "cancel", "reason": "boredom"}}, 422, "reason"),
    ("a note that is no text", {"json": {"action": "cancel", "note": 3}}, 422, "note"),
    ("a long note", {"json": {"action": "cancel", "note": "x" * 2001}}, 422, "note"),
    ("a terminal escape", {"json": {"action": "cancel", "note": "\x1b[2J"}}, 422, None),
    ("half a character", {"content": b'{"action":"cancel","note":"\\ud800"}', "headers": JSON}, 422, None),
    ("a negative grace", {"json": {"action": "cancel", "grace_seconds": -1}}, 422, "grace_seconds"),
    ("a grace in words", {"json": {"action": "pause", "grace_seconds": "1"}}, 422, "grace_seconds"),
    ("a hold in words", {"json": {"action": "pause", "hold": "yes"}}, 422, "hold"),
    ("a checkpoint outside", {"json": {"action": "resume", "from": "../../etc"}}, 422, "from"),
    (
        *("a key with spaces", {"json": {"action": "cancel"}, "headers": {"Idempotency-Key": "a b"}}),
        *(400, "Idempotency-Key"),
    ),
    (
        *("an actor that is none", {"json": {"action": "cancel"}, "headers": {"Trainstop-Actor": "Ada"}}),
        *(400, "Trainstop-Actor"),
    ),
    (
        *("an empty owner", {"json": {"action": "cancel"}, "headers": {"Trainstop-Owner": ""}}),
        *(400, "Trainstop-Owner"),
    ),
]


@pytest.mark.parametrize(
    ("request_", "status", "field"),
    [pytest.param(request, status, field, id=name) for name, request, status, field in BAD],
)
def test_what_cannot_be_understood_is_refused_in_one_sentence_and_changes_nothing(
    site: Site, request_: dict[str, Any], status: int, field: str | None
) -> None:
    job_id = site.desk.running()
    before = site.desk.job(job_id)
    error = site.post(f"/local/{job_id}/control", "Error", status=status, **request_)
    assert error["code"] == "invalid_request"
    assert error.get("field") == field
    assert error["error"].endswith(".") and "\n" not in error["error"]
    assert site.desk.job(job_id) == before


def test_what_the_rules_refuse_bears_the_true_status_of_the_job(site: Site) -> None:
    stopping, running = site.desk.running(), site.desk.running()
    site.desk.cancel(stopping)
    paused, held = site.desk.paused(save=False), site.desk.held()
    for path, options, status, code, job_status in (
        (f"/pause/{stopping}", {}, 409, "conflict", "stopping"),
        (f"/resume/{stopping}", {}, 409, "conflict", "stopping"),
        (f"/resume/{running}", {}, 409, "conflict", "running"),
        (f"/resume/{paused}", {}, 409, "no_checkpoint", "paused"),
        (f"/cancel/{running}", {"mode": "epoch"}, 422, "not_supported", "running"),
        (f"/resume/{held}", {"from": "step-00000001"}, 409, "conflict", "paused"),
    ):
        error = site.post(path, "Error", status=status, json=options)
        assert (error["code"], error["status"]) == (code, job_status)


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_if_match_refuses_what_was_decided_on_an_older_view(site: Site, action: str) -> None:
    job_id = site.desk.running() if action == "pause" else site.desk.paused()
    seen = site.client.get(f"/jobs/{job_id}").headers["etag"]
    before = site.desk.job(job_id)
    for stale in ('"0"', f'"{before["status_version"] + 1}"', '"90", "91"'):
        for path, body in ((f"/{action}/{job_id}", {}), (f"/local/{job_id}/control", {"action": action})):
            error = site.post(path, "Error", status=412, json=body, headers={"If-Match": stale})
            assert (error["code"], error["status"]) == ("precondition_failed", before["status"])
            assert error["field"] == "If-Match"
    assert site.desk.job(job_id) == before
    headers = {"If-Match": f"W/{seen}", "Idempotency-Key": "k1"}
    first = site.post(f"/{action}/{job_id}", "ControlAnswer", headers=headers)
    # The same intent again is the one that was carried out, although that changed the version.
    again = site.post(f"/{action}/{job_id}", "ControlAnswer", headers=headers)
    assert again["result"]["command"] == first["result"]["command"]


def test_if_match_with_any_version_refuses_nothing(site: Site) -> None:
    job_id = site.desk.running()
    answer = site.post(f"/pause/{job_id}", "ControlAnswer", headers={"If-Match": "*"})
    assert answer["result"]["outcome"] == "accepted"


@pytest.mark.parametrize("wrong", ["5", '"x"', '"1" "2"', "", '"-1"', ",".join(['"1"'] * 17)])
def test_an_if_match_that_makes_no_sense_is_refused_and_never_keeps_from_a_stop(
    site: Site, wrong: str
) -> None:
    job_id = site.desk.running()
    error = site.post(f"/pause/{job_id}", "Error", status=400, headers={"If-Match": wrong})
    assert (error["code"], error["field"]) == ("invalid_request", "If-Match")
    answer = site.post(f"/cancel/{job_id}", "ControlAnswer", headers={"If-Match": wrong})
    assert answer["result"]["job"]["status"] == "stopping"


def test_a_stop_is_never_refused_for_an_older_view(site: Site) -> None:
    job_id = site.desk.running()
    body = {"action": "cancel"}
    answer = site.post(f"/local/{job_id}/control", "ControlAnswer", json=body, headers={"If-Match": '"0"'})
    assert answer["result"]["job"]["status"] == "stopping"


def test_prefer_wait_answers_when_a_hold_is_reached_and_when_it_is_lifted(site: Site) -> None:
    job_id = site.desk.running()
    for action, status in (("pause", "paused"), ("resume", "running")):
        answers: list[httpx.Response] = []

        def ask(action: str = action, answers: list[httpx.Response] = answers) -> None:
            body = {"hold": True} if action == "pause" else {}
            answers.append(site.client.post(f"/{action}/{job_id}", json=body, headers={"Prefer": "wait=60"}))

        thread = threading.Thread(target=ask)
        thread.start()
        while site.desk.job(job_id)["command"] is None:
            assert thread.is_alive()
            time.sleep(0.01)
        site.desk.obey(job_id)
        thread.join(60)
        result = answers[0].json()["result"]
        assert (result["command"]["status"], result["job"]["status"]) == ("succeeded", status)
        PROTOCOL.check("ControlAnswer", answers[0].json())


def test_the_same_key_with_another_body_is_422(site: Site) -> None:
    job_id = site.desk.running()
    headers = {"Idempotency-Key": "k1"}
    first = site.post(f"/cancel/{job_id}", "ControlAnswer", json={"reason": "cost"}, headers=headers)
    again = site.post(f"/cancel/{job_id}", "ControlAnswer", json={"reason": "cost"}, headers=headers)
    assert again["result"]["command"] == first["result"]["command"]
    error = site.post(f"/cancel/{job_id}", "Error", status=422, json={"reason": "other"}, headers=headers)
    assert (error["code"], error["field"]) == ("invalid_request", "Idempotency-Key")
