from __future__ import annotations

import http.client
import logging
from collections.abc import Iterator

import pytest

from trainstop.server.app import BASE_PATH
from trainstop.server.routes.conftest import TOKEN, Site
from trainstop.server.security.hosts import AllowedHosts, is_loopback, split_host

JOBS = f"{BASE_PATH}/jobs"
NO_ROUTES = [("GET", f"{BASE_PATH}/nothing"), ("GET", "/"), ("POST", f"{BASE_PATH}/jobs/")]
"""Those that there are stand in attacks_test.py."""


@pytest.fixture
def connection(site: Site) -> Iterator[http.client.HTTPConnection]:
    """Sends just the headers it is given."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    yield connection
    connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: list[tuple[str, str]]
) -> tuple[int, str]:
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in [*headers, ("Content-Length", "0")]:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return response.status, response.read().decode()


def allowed(site: Site) -> list[tuple[str, str]]:
    return [("Host", f"127.0.0.1:{site.port}"), ("Authorization", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(("method", "path"), NO_ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"],
)
def test_without_the_token_nobody_learns_which_routes_there_are(
    site: Site, connection: http.client.HTTPConnection, method: str, path: str, authorization: str | None
) -> None:
    headers = [("Host", f"127.0.0.1:{site.port}")]
    if authorization is not None:
        headers.append(("Authorization", authorization))
    status, body = ask(connection, method, path, headers)
    assert status == 401
    assert '"code":"unauthenticated"' in body


@pytest.mark.parametrize(("method", "path"), NO_ROUTES)
@pytest.mark.parametrize(
    "extra",
    [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "strange"),
        ("Origin", "https://evil.example"),
        ("Origin", "http://127.0.0.1:1"),
        ("Origin", "null"),
        ("Origin", ""),
    ],
)
def test_pages_of_other_origins_do_not_either(
    site: Site, connection: http.client.HTTPConnection, method: str, path: str, extra: tuple[str, str]
) -> None:
    status, body = ask(connection, method, path, [*allowed(site), extra])
    assert (status, '"code":"forbidden"' in body) == (403, True)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a b"])
def test_a_name_that_is_not_ours_gets_nothing(
    site: Site, connection: http.client.HTTPConnection, host: str
) -> None:
    for path in (JOBS, f"{BASE_PATH}/health", f"{JOBS}/job_0/events"):
        status, _ = ask(connection, "GET", path, [("Host", host), allowed(site)[1]])
        assert status in (400, 403)  # what is no header at all the HTTP parser refuses itself


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:8000", "LOCALHOST:1", "127.9.9.9"])
def test_loopback_by_any_of_its_names_is_us(
    site: Site, connection: http.client.HTTPConnection, host: str
) -> None:
    assert ask(connection, "GET", JOBS, [("Host", host), allowed(site)[1]])[0] == 200


def test_our_own_origin_is_welcome(site: Site, connection: http.client.HTTPConnection) -> None:
    own = [("Origin", f"http://127.0.0.1:{site.port}"), ("Sec-Fetch-Site", "same-origin")]
    assert ask(connection, "GET", JOBS, [*allowed(site), *own])[0] == 200


@pytest.mark.parametrize("query", [f"token={TOKEN}", "access_token=x", "Authorization=y", f"q={TOKEN}"])
def test_a_token_in_the_url_is_refused_even_beside_the_right_header(
    site: Site, connection: http.client.HTTPConnection, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    status, body = ask(connection, "GET", f"{JOBS}?{query}", allowed(site))
    assert (status, '"code":"invalid_request"' in body) == (400, True)
    assert TOKEN not in body and TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("localhost", ("localhost", None)),
        ("Localhost.:80", ("localhost", 80)),
        ("[::1]:8000", ("::1", 8000)),
        ("[::1]", ("::1", None)),
        ("::1", None),
        ("a:b", None),
        ("a:70000", None),
        ("user@localhost", None),
        ("localhost/x", None),
        ("localhost\n", None),
        ("", None),
        (".", None),
    ],
)
def test_a_host_header_is_taken_apart(header: str, expected: tuple[str, int | None] | None) -> None:
    assert split_host(header) == expected


def test_which_names_are_loopback() -> None:
    assert all(map(is_loopback, ["localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "::1"]))
    assert not any(map(is_loopback, ["0.0.0.0", "10.0.0.1", "localhost.evil", "::", "127.0.0.1.nip.io"]))


def test_the_address_a_caller_reached_us_at_is_ours_and_the_operators_names_too() -> None:
    hosts = AllowedHosts(["Train.Example.com"])
    assert hosts.admit("10.0.0.5:8321", "10.0.0.5")
    assert hosts.admit("train.example.com", "10.0.0.5")
    assert not hosts.admit("10.0.0.6", "10.0.0.5")
    assert not hosts.admit(None, "10.0.0.5")
