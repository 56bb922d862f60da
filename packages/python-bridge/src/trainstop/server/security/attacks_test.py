"""Every operation of the OpenAPI file under every attack, over a real socket: no route escapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.routing import Mount, Route

from trainstop.server.app import BASE_PATH, routes
from trainstop.server.routes.conftest import TOKEN, Site
from trainstop.server.security.conftest import (
    ID_OF_NOTHING,
    JSON_TYPE,
    OPERATIONS,
    Operation,
    about_a_job,
    allowed,
    as_documented,
    ask,
    attack,
    bearing,
    closed,
    every,
    example,
    target,
    worker_token,
)

pytestmark = pytest.mark.usefixtures("nothing_was_broken")

OPEN = {"GET /health"}
"""What anybody may ask. Another open route has to be written down here first."""


def app_routes() -> set[tuple[str, str]]:
    found = set()
    for route in routes():
        assert isinstance(route, Route) and not isinstance(route, Mount)
        found |= {(method, route.path) for method in route.methods or ()}
    return found


def test_the_server_has_just_the_routes_that_are_documented() -> None:
    assert app_routes() == {(operation.method, operation.path) for operation in OPERATIONS}


def test_only_those_routes_are_open_that_are_named_here() -> None:
    assert {str(operation) for operation in OPERATIONS if operation.open} == OPEN


@closed
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN}, Bearer {TOKEN}",
        "Bearer é",
        "Bearer tsw_job_0123456789abcdef.1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
        "Bearer " + "A" * 30_000,
    ],
    ids=lambda text: None if text is None else repr(text[:40]),
)
def test_without_the_token_a_closed_route_tells_nothing(
    site: Site, operation: Operation, authorization: str | None, job_id: str
) -> None:
    """Not even whether there is such a job."""
    headers = [("Host", f"127.0.0.1:{site.port}"), JSON_TYPE, ("X-Request-Id", "same")]
    if authorization is not None:
        headers.append(("Authorization", authorization))
    answers = [
        ask(site.port, operation.method, target(operation, id_), headers, example(operation))
        for id_ in (job_id, ID_OF_NOTHING)
    ]
    assert (answers[0].status, answers[0].code) == (401, "unauthenticated")
    assert answers[0].header("www-authenticate") == "Bearer"
    assert answers[0].body == answers[1].body


@closed
def test_a_runs_token_is_for_its_report_and_nothing_else(
    site: Site, operation: Operation, job_id: str
) -> None:
    """Not even for reading that very job."""
    headers = [*allowed(site.port, worker_token(site, job_id)), JSON_TYPE]
    answer = ask(site.port, operation.method, target(operation, job_id), headers, example(operation))
    # The job is over, and so is its token's time.
    assert answer.status == (401 if operation.of_runs else 403)
    other = ask(site.port, operation.method, target(operation, "job_other"), headers, example(operation))
    assert other.status == (404 if operation.of_runs else 403)


@closed
@pytest.mark.parametrize("token", [TOKEN, None], ids=["the server's", "a person's name"])
def test_a_report_takes_the_token_of_its_run_alone(
    site: Site, operation: Operation, token: str | None, job_id: str
) -> None:
    if not operation.of_runs:
        return
    extra = [] if token else [("Trainstop-Owner", "ada")]
    headers = [*allowed(site.port), *extra, JSON_TYPE]
    for id_ in (job_id, ID_OF_NOTHING):
        answer = ask(site.port, operation.method, target(operation, id_), headers, example(operation))
        assert (answer.status, answer.code) == (403, "forbidden")


@closed
def test_two_tokens_are_none(site: Site, operation: Operation) -> None:
    answer = attack(site, operation, ("Authorization", f"Bearer {TOKEN}"))
    assert answer.status == 401


@every
@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"],
        ["evil.example:80"],
        ["127.0.0.1.evil.example"],
        ["localhost.evil.example"],
        ["evil.example."],
        ["[::2]:8000"],
        ["[::1].evil.example"],
        ["[::1]evil.example:8000"],
        ["[::1"],
        ["::1"],
        ["localhost:99999"],
        ["localhost:-1"],
        ["localhost@evil.example"],
        ["evil.example#localhost"],
        ["0.0.0.0"],
        ["2130706433"],
        ["0x7f000001"],
        [""],
        [],
        ["localhost", "evil.example"],
        ["evil.example", "localhost"],
        ["localhost, evil.example"],
        ["evil.example localhost"],
    ],
    ids=repr,
)
def test_under_a_name_that_is_not_ours_no_route_answers(
    site: Site, operation: Operation, hosts: list[str]
) -> None:
    headers = [*(("Host", host) for host in hosts), bearing(site, operation)[1], JSON_TYPE]
    answer = ask(site.port, operation.method, target(operation), headers, example(operation))
    # What is no header at all the parser refuses itself.
    assert (answer.status, answer.code) in ((403, "forbidden"), (400, None))


@every
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.:1", "[::1]:8000", "[::1]", "127.9.9.9:80"])
def test_under_any_name_of_loopback_every_route_answers(site: Site, operation: Operation, host: str) -> None:
    headers = [("Host", host), bearing(site, operation)[1], JSON_TYPE]
    answer = ask(site.port, operation.method, target(operation), headers, example(operation))
    assert answer.status not in (400, 403), answer
    assert as_documented(operation, answer)


@every
def test_a_request_target_with_another_host_reaches_nothing_of_it(site: Site, operation: Operation) -> None:
    """The absolute form, as for a proxy: the Host header must be ours, whatever stands in the target."""
    evil = f"http://evil.example{target(operation)}"
    headers = [("Host", "evil.example"), bearing(site, operation)[1], JSON_TYPE]
    assert ask(site.port, operation.method, evil, headers, example(operation)).status in (400, 403)
    headers = [*allowed(site.port)[:1], JSON_TYPE]
    answer = ask(site.port, operation.method, evil, headers, example(operation))
    assert answer.status in (400, 401, 404) or operation.open


@every
@pytest.mark.parametrize(
    "extra",
    [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "strange"),
        ("Sec-Fetch-Site", ""),
        ("Origin", "https://evil.example"),
        ("Origin", "http://127.0.0.1:1"),
        ("Origin", "http://localhost.evil.example"),
        ("Origin", "file://"),
        ("Origin", "null"),
        ("Origin", ""),
        ("Origin", "http://["),
    ],
    ids=lambda extra: f"{extra[0]} {extra[1]}",
)
def test_pages_of_other_origins_get_nothing_from_any_route(
    site: Site, operation: Operation, extra: tuple[str, str]
) -> None:
    answer = attack(site, operation, extra)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert answer.header("access-control-allow-origin") is None


@every
@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site"])
def test_a_second_origin_hides_behind_no_first_one(site: Site, operation: Operation, name: str) -> None:
    good = f"http://127.0.0.1:{site.port}" if name == "Origin" else "same-origin"
    bad = "https://evil.example" if name == "Origin" else "cross-site"
    for pair in ((good, bad), (bad, good)):
        answer = attack(site, operation, *((name, value) for value in pair))
        assert (answer.status, answer.code) == (403, "forbidden")


@every
@pytest.mark.parametrize(
    "query",
    [
        f"token={TOKEN}",
        "access_token=x",
        "Authorization=y",
        f"q={TOKEN}",
        f"cursor={TOKEN}",
        "TOKEN=",
        "api_key=z",
    ],
)
def test_a_token_in_the_url_is_refused_even_beside_the_right_header(
    site: Site, operation: Operation, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = [*bearing(site, operation), JSON_TYPE]
    path = f"{target(operation)}?{query}"
    answer = ask(site.port, operation.method, path, headers, example(operation))
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert TOKEN.encode() not in answer.body and TOKEN not in caplog.text


@about_a_job
@pytest.mark.parametrize(
    "extra", [[], ["1.0"], ["1.3"], ["0.0"], ["9.9"], ["x"]], ids=lambda extra: f"cursor {extra}"
)
def test_someone_elses_job_is_no_job_to_the_letter(
    site: Site, operation: Operation, job_id: str, extra: list[str]
) -> None:
    for place in ("header", "query") if extra else ("",):
        headers = [
            *allowed(site.port),
            JSON_TYPE,
            ("Trainstop-Owner", "eve"),
            ("X-Request-Id", "same"),
            *([("Last-Event-ID", extra[0])] if place == "header" else []),
        ]
        query = f"?cursor={extra[0]}" if place == "query" else ""
        answers = [
            ask(site.port, operation.method, target(operation, id_) + query, headers, example(operation))
            for id_ in (job_id, ID_OF_NOTHING)
        ]
        assert answers[0].status == 404 or answers[0].status == 403 == answers[1].status
        assert [answers[0].status, answers[0].body] == [answers[1].status, answers[1].body]
        names = [[name for name, _ in answer.headers] for answer in answers]
        assert names[0] == names[1]


@about_a_job
def test_a_jobs_owner_is_told_of_it_under_the_same_request(
    site: Site, operation: Operation, job_id: str
) -> None:
    """The test above would also pass if nobody were told of anything."""
    answer = attack(site, operation, ("Trainstop-Owner", "ada"), job_id=job_id)
    assert answer.code != "job_not_found", answer


def test_a_list_never_shows_someone_elses_jobs_whatever_the_cursor(site: Site, job_id: str) -> None:
    headers = [*allowed(site.port), ("Trainstop-Owner", "eve")]
    for query in ("", "?limit=200", "?status=completed"):
        answer = ask(site.port, "GET", f"{BASE_PATH}/jobs{query}", headers)
        assert answer.status == 200 and json.loads(answer.body)["jobs"] == []
    headers.append(("X-Request-Id", "same"))
    theirs, nothing = (
        ask(site.port, "GET", f"{BASE_PATH}/jobs?cursor=before-{id_}", headers)
        for id_ in (job_id, ID_OF_NOTHING)
    )
    assert theirs.status == 422 and (theirs.status, theirs.body) == (nothing.status, nothing.body)


def test_a_list_does_not_tell_how_many_jobs_others_start(site: Site, job_id: str) -> None:
    headers = [*allowed(site.port), ("Trainstop-Owner", "counting"), ("X-Request-Id", "same")]

    def told() -> list[Any]:
        answer = json.loads(ask(site.port, "GET", f"{BASE_PATH}/jobs?limit=1", headers).body)
        return [answer["next_cursor"], *(name for name in answer["jobs"][0] if "number" in name)]

    own = [site.desk.start("counting") for _ in range(2)]
    site.desk.start("somebody else")
    assert told() == [f"before-{own[1]}"]
