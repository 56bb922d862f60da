from __future__ import annotations

from typing import Any

import pytest

from trainstop.protocol.control import StartRequest
from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal


def test_a_started_job_waits_with_its_defaults_filled_in(desk: Desk) -> None:
    job = desk.job(desk.start())
    assert (job["status"], job["attempt"], job["name"]) == ("pending", 1, "Digits")
    assert job["params"] == {"epochs": 10, "note": "none"}


def test_the_same_key_starts_one_job(desk: Desk) -> None:
    request = StartRequest(template="digits", params={"epochs": 3})
    first = desk.jobs.start(request, desk.asked("k1"))
    assert desk.jobs.start(request, desk.asked("k1"))["id"] == first["id"]
    with pytest.raises(Refusal) as refused:
        desk.jobs.start(StartRequest(template="digits"), desk.asked("k1"))
    assert refused.value.field == "Idempotency-Key"
    assert len(desk.jobs.newest(None, [], None, 10)[0]) == 1


def test_the_keys_of_different_owners_have_nothing_to_do_with_each_other(desk: Desk) -> None:
    request = StartRequest(template="digits")
    ids = {desk.jobs.start(request, desk.asked("k1", owner))["id"] for owner in (None, "ada", "bob")}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("template", "params", "field", "sentence"),
    [
        ("rm", {}, "template", "There is no template rm; the server's capabilities list those it has."),
        (
            *("digits", {"depth": 3}, "params.depth"),
            "There is no parameter depth; this template has: epochs, note.",
        ),
        ("digits", {"epochs": 0}, "params.epochs", "The parameter epochs must be 1 or more."),
        ("digits", {"epochs": 101}, "params.epochs", "The parameter epochs must be 100 or less."),
        ("digits", {"epochs": 1.5}, "params.epochs", "The parameter epochs must be a whole number."),
        ("digits", {"epochs": True}, "params.epochs", "The parameter epochs must be a whole number."),
        ("digits", {"epochs": "3"}, "params.epochs", "The parameter epochs must be a whole number."),
        ("digits", {"note": "--help"}, "params.note", 'The parameter note must not begin with "-".'),
        ("digits", {"note": 3}, "params.note", "The parameter note must be a text."),
        (
            *("digits", {"note": "a\x00b"}, "params.note"),
            "The parameter note must not contain control characters.",
        ),
    ],
)
def test_what_the_template_does_not_take_is_refused_and_starts_nothing(
    desk: Desk, template: str, params: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(Refusal) as refused:
        desk.jobs.start(StartRequest(template=template, params=params), desk.asked())
    assert (refused.value.code, refused.value.field, str(refused.value)) == (
        "invalid_request",
        field,
        sentence,
    )
    assert desk.jobs.newest(None, [], None, 10)[0] == []
