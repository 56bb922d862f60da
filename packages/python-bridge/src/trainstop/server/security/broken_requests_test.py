"""Every operation of the OpenAPI file with requests that are none: bodies, lengths, ids, methods."""

from __future__ import annotations

import pytest

from trainstop.server.app import BASE_PATH
from trainstop.server.routes.conftest import Site
from trainstop.server.security.conftest import (
    JSON_TYPE,
    OPERATIONS,
    Answer,
    Operation,
    about_a_job,
    allowed,
    as_documented,
    ask,
    bearing,
    every,
    example,
    target,
    with_a_body,
)

pytestmark = pytest.mark.usefixtures("nothing_was_broken")


@with_a_body
@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain; application/json",
        "application/jsonp",
        "",
        None,
    ],
)
def test_what_a_page_can_post_without_asking_is_no_body(
    site: Site, operation: Operation, content_type: str | None
) -> None:
    headers = bearing(site, operation)
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    body = example(operation) or b"{}"
    answer = ask(site.port, operation.method, target(operation), headers, body)
    assert answer.status in (403, 415), answer
    assert answer.code in ("invalid_request", "forbidden")


@with_a_body
@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a":NaN}', b'{"a":1e999}', b"[" * 60_000, b'{"a":"\x01"}'],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_json_object_is_refused_plainly(
    site: Site, operation: Operation, body: bytes
) -> None:
    headers = [*bearing(site, operation), JSON_TYPE]
    answer = ask(site.port, operation.method, target(operation), headers, body)
    assert answer.status in (400, 403, 422) and answer.code is not None, answer


@with_a_body
def test_a_body_of_any_depth_gets_an_answer_and_no_failure(site: Site, operation: Operation) -> None:
    """Where reading it still goes and looking through it does not, too."""
    headers = [*bearing(site, operation), JSON_TYPE]
    for depth in (100, *range(850, 1000, 3), 5_000, 9_000):
        body = (
            b'{"a":' * (depth // 2) + b"[" * (depth // 2) + b'"x"' + b"]" * (depth // 2) + b"}" * (depth // 2)
        )
        answer = ask(site.port, operation.method, target(operation), headers, body)
        assert 200 <= answer.status < 500, (depth, answer)


BAD_IDS = [
    "..",
    ".",
    "%2e%2e",
    "%2e%2e%2fetc%2fpasswd",
    "..%5c..",
    "../../etc/passwd",
    "..%00",
    "a%00b",
    "a%0ab",
    "a%0d%0aX-Evil:%201",
    "a%1b%5b2J",
    "a%7f",
    "%C3%A4",
    "%F0%9F%98%80",
    "%ff%fe",
    "%c0%ae%c0%ae",
    "a%20b",
    "a+b",
    "a;b",
    "a%27%20OR%201=1--",
    "*",
    "%2A",
    "a" * 65,
    "a" * 8_000,
    "%",
    "%zz",
    "%252e%252e",
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda bad: bad[:30])
@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        pytest.param(operation, parameter, id=f"{operation} {parameter}")
        for operation in OPERATIONS
        for parameter in operation.parameters
    ],
)
def test_an_id_that_none_can_have_is_not_found(
    site: Site, operation: Operation, parameter: str, bad: str, job_id: str
) -> None:
    parameters = {"job_id": job_id, "command_id": "cmd_0", parameter: bad}
    path = operation.target(**parameters)
    headers = [*bearing(site, operation), JSON_TYPE]
    answer = ask(site.port, operation.method, path, headers, example(operation))
    beyond_its_rights = operation.of_runs and answer.status == 403
    assert beyond_its_rights or answer.status == 404, answer
    assert answer.code in ("job_not_found", "not_found", "forbidden")


@pytest.mark.parametrize(
    "raw", [b"\x00", b"\n", b"\r", b"\x7f", b"\xff", b"\xc3\xa4", b" ", b"\x1b[2J"], ids=repr
)
@about_a_job
def test_raw_bytes_in_a_path_reach_no_route(site: Site, operation: Operation, raw: bytes) -> None:
    path = operation.target(job_id="aQb", command_id="cmd_0").encode().replace(b"aQb", b"a" + raw + b"b")
    answer = ask(
        site.port, operation.method, path, [*bearing(site, operation), JSON_TYPE], example(operation)
    )
    assert answer.status in (400, 404, 0), answer


def without_a_body_read(operation: Operation, answer: Answer) -> bool:
    return operation.body is None and as_documented(operation, answer)


@every
@pytest.mark.parametrize("framing", ["length", "only announced", "chunked", "one long chunk"])
def test_a_body_that_is_too_large_is_not_read_to_its_end(
    site: Site, operation: Operation, framing: str
) -> None:
    large = b'{"note":"' + b"x" * 4_000_000 + b'"}'
    headers = [*bearing(site, operation), JSON_TYPE]
    path = target(operation)
    if framing == "length":
        answer = ask(site.port, operation.method, path, headers, large)
    elif framing == "only announced":
        announced = (("Content-Length", "1000000000000"),)
        answer = ask(site.port, operation.method, path, headers, b"{", framing=announced)
    else:
        sizes = 1000 if framing == "chunked" else len(large)
        pieces = [large[at : at + sizes] for at in range(0, len(large), sizes)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        chunked = (("Transfer-Encoding", "chunked"),)
        answer = ask(site.port, operation.method, path, headers, body, framing=chunked)
    # The connection may be cut before the answer was read: the rest of the body is nobody's.
    assert answer.status in (413, 0, 403) or without_a_body_read(operation, answer), answer


@every
@pytest.mark.parametrize(
    "framing",
    [
        (("Content-Length", "2"), ("Content-Length", "3")),
        (("Content-Length", "2, 3"),),
        (("Content-Length", "-2"),),
        (("Content-Length", "+2"),),
        (("Content-Length", "0x2"),),
        (("Content-Length", "2 "), ("Content-Length", "20")),
        (("Content-Length", "2"), ("Transfer-Encoding", "chunked")),
        (("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "identity")),
        (("Transfer-Encoding", "xchunked"),),
        (("Transfer-Encoding", "chunked, gzip"),),
    ],
    ids=repr,
)
def test_a_body_of_two_lengths_never_smuggles_a_second_request(
    site: Site, operation: Operation, framing: tuple[tuple[str, str], ...]
) -> None:
    smuggled = b"2\r\n{}\r\n0\r\n\r\n" + f"GET {BASE_PATH}/capabilities HTTP/1.1\r\n\r\n".encode()
    headers = [*bearing(site, operation), JSON_TYPE]
    answer = ask(site.port, operation.method, target(operation), headers, smuggled, framing=framing)
    assert b"templates" not in answer.body or operation.path == "/capabilities"
    assert b"HTTP/1.1" not in answer.body, "two answers"
    # Both lengths in one: the RFC lets a server go by the chunks, and close.
    both = dict(framing).keys() == {"Content-Length", "Transfer-Encoding"}
    assert answer.status in (400, 501) or (both and answer.header("connection") == "close"), answer


@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
)
def test_a_method_that_is_not_documented_is_not_taken(
    site: Site, path: str, method: str, job_id: str
) -> None:
    documented = {operation.method for operation in OPERATIONS if operation.path == path}
    if method in documented:
        return
    operation = next(operation for operation in OPERATIONS if operation.path == path)
    answer = ask(site.port, method, target(operation, job_id), allowed(site.port))
    if answer.status == 400 and answer.code is None:
        return  # the parser knows no such request
    assert answer.status == 405, answer
    assert answer.header("allow") is not None
    assert {each.strip() for each in str(answer.header("allow")).split(",")} == documented
