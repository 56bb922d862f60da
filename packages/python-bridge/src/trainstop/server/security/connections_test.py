"""Clients that are slow, or many, on real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from trainstop.server.app import BASE_PATH
from trainstop.server.configuration.limits_section import LimitsSection
from trainstop.server.routes.conftest import TOKEN, WAIT_SECONDS, Site, serving
from trainstop.server.security.conftest import read_answer

SHORT = LimitsSection(
    connections=8, header_seconds=1.5, body_seconds=1.5, write_seconds=1.5, refusals_per_second=1e6
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("data"), limits=SHORT) as (site, _):
        site.client.close()  # its idle connections would be counted
        yield site


@contextlib.contextmanager
def connected(site: Site) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", site.port), timeout=WAIT_SECONDS) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            received += data
    return received


def read_until(connection: socket.socket, text: bytes) -> bytes:
    received = b""
    while text not in received:
        data = connection.recv(65536)
        assert data, "cut off"
        received += data
    return received


def dripped(connection: socket.socket, data: bytes) -> None:
    """A byte every so often, until the server has had enough."""
    with contextlib.suppress(OSError):
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)


def head(site: Site, method: str = "GET", path: str = "/jobs", *more: str) -> bytes:
    lines = [f"{method} {BASE_PATH}{path} HTTP/1.1", f"Host: 127.0.0.1:{site.port}"]
    lines += [f"Authorization: Bearer {TOKEN}", *more, "", ""]
    return "\r\n".join(lines).encode()


def is_well(site: Site) -> bool:
    return httpx.get(f"{site.url}/health", timeout=WAIT_SECONDS).status_code == 200


def test_who_says_nothing_is_hung_up_on(site: Site) -> None:
    with connected(site) as connection:
        assert rest(connection) == b""


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(site: Site) -> None:
    with connected(site) as connection:
        writer = threading.Thread(target=dripped, args=(connection, head(site) * 10))
        writer.start()
        assert is_well(site)
        answer = read_answer(rest(connection))
        writer.join(WAIT_SECONDS)
    assert answer.status in (408, 0), answer


def test_the_head_of_a_second_request_is_not_waited_for_either(site: Site) -> None:
    with connected(site) as connection:
        connection.sendall(head(site))
        first = connection.recv(65536)
        assert first.startswith(b"HTTP/1.1 200")
        writer = threading.Thread(target=dripped, args=(connection, head(site) * 10))
        writer.start()
        assert b"HTTP/1.1 200" not in rest(connection)
        writer.join(WAIT_SECONDS)


def test_a_body_that_comes_byte_by_byte_is_not_waited_for(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    json = ("Content-Type: application/json", "Content-Length: 5000")
    with connected(site) as connection:
        connection.sendall(head(site, "POST", "/jobs", *json))
        writer = threading.Thread(target=dripped, args=(connection, b"{" * 5000))
        writer.start()
        assert is_well(site)
        assert b"HTTP/1.1 2" not in rest(connection)
        writer.join(WAIT_SECONDS)
    assert "Traceback" not in caplog.text


def test_whoever_takes_nothing_of_a_large_answer_is_hung_up_on(site: Site) -> None:
    job_id = site.desk.running()
    values = {f"m{n}": 0.123456789 for n in range(20)}
    for _ in range(6):  # about ten megabytes, more than the kernel keeps
        rows = [[step, None, 1_800_000_000.0, values] for step in range(5000)]
        site.desk.tell(job_id, "rank-0", "metrics", rows=rows)
    with connected(site) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(head(site, "GET", f"/jobs/{job_id}/metrics"))
        received = connection.recv(10)
        ended = threading.Event()
        poll = threading.Thread(target=_wait_for_reset, args=(connection, ended))
        poll.start()
        assert is_well(site)
        assert ended.wait(WAIT_SECONDS), "it was waited for"
        poll.join(WAIT_SECONDS)
    assert received.startswith(b"HTTP/1.1 ")


def _wait_for_reset(connection: socket.socket, ended: threading.Event) -> None:
    """The kernel tells of a reset without anything being read."""
    import select

    poller = select.poll()
    poller.register(connection, select.POLLHUP | select.POLLERR)
    if poller.poll(WAIT_SECONDS * 1000):
        ended.set()


def test_an_ordinary_stream_outlives_every_time(site: Site) -> None:
    job_id = site.desk.running()
    with connected(site) as connection:
        connection.sendall(head(site, "GET", f"/jobs/{job_id}/events"))
        received = read_until(connection, b"event: job")
        with connected(site) as idle:
            rest(idle)  # longer than any of the times
        site.desk.exit(job_id)
        if b"event: end" not in received:
            read_until(connection, b"event: end")


def test_many_that_ask_for_nothing_make_room_for_one_that_does(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(site))
        assert is_well(site)


def test_as_many_as_there_may_be_and_no_more(site: Site) -> None:
    job_id = site.desk.running()
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            connection = stack.enter_context(connected(site))
            connection.sendall(head(site, "GET", f"/jobs/{job_id}/events"))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        one_more = stack.enter_context(connected(site))
        with contextlib.suppress(OSError):
            one_more.sendall(head(site))
        assert rest(one_more) == b""
    ends = time.monotonic() + WAIT_SECONDS
    while True:  # until the eight are gone
        with contextlib.suppress(httpx.TransportError):
            if is_well(site):
                break
        assert time.monotonic() < ends
