from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from trainstop.server import operator_socket
from trainstop.server.app import BASE_PATH, ServerOptions, TrainingServer
from trainstop.server.configuration.configuration import Configuration
from trainstop.server.operator_socket import listen_for_operators
from trainstop.server.operator_socket_path import LONGEST_ADDRESS, NAME, socket_address
from trainstop.server.routes.conftest import TOKEN, WAIT_SECONDS, Unsupervised
from trainstop.server.security.token import Token
from trainstop.server.serving import HttpServer, listen

ROUTE = f"{BASE_PATH}/operator/jobs"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Site:
    def __init__(self, server: TrainingServer, data_dir: Path, port: int) -> None:
        self.server = server
        self.data_dir = data_dir
        self.port = port

    def through_the_door(self, method: str, path: str, **request: Any) -> httpx.Response:
        with (
            socket_address(self.data_dir) as address,
            httpx.Client(transport=httpx.HTTPTransport(uds=address), timeout=WAIT_SECONDS) as client,
        ):
            return client.request(method, f"http://localhost{path}", **{"headers": HEADERS, **request})

    def over_tcp(self, method: str, path: str, **request: Any) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.request(method, url, **{"headers": HEADERS, "timeout": WAIT_SECONDS, **request})


@contextlib.contextmanager
def serving(data_dir: Path) -> Iterator[Site]:
    data_dir.mkdir(parents=True)
    options = ServerOptions(data_dir, Token(TOKEN), Configuration(), {"FROM_THE_SERVER": "1"})
    server = TrainingServer(options, Unsupervised)
    listener = listen("127.0.0.1", 0)
    ready = threading.Event()
    http_server = HttpServer(server, ready.set, listen_for_operators(data_dir))
    thread = threading.Thread(target=http_server.run, args=([listener],))
    thread.start()
    try:
        assert ready.wait(WAIT_SECONDS)
        yield Site(server, data_dir, listener.getsockname()[1])
    finally:
        http_server.should_exit = True
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("here") / "data") as site:
        yield site


def wish(**other: Any) -> dict[str, Any]:
    return {"argv": ["train", "-x"], "cwd": "/tmp", "env": {"MINE": "a\x1bb"}, "name": "mine", **other}


def test_a_command_becomes_a_job_with_its_own_environment_and_nothing_of_the_servers(site: Site) -> None:
    asked = wish(env={"MINE": "a\x1bb", "TRAINSTOP_TOKEN": "no"})
    answer = site.through_the_door("POST", ROUTE, json=asked)
    assert answer.status_code == 201, answer.text
    job = answer.json()["job"]
    assert (job["name"], job["template"], job["status"]) == ("mine", None, "pending")
    spec = site.server.jobs.spec(job["id"], 1)
    assert spec["argv"] == ["train", "-x"]
    assert spec["cwd"] == "/tmp"
    assert spec["env"]["MINE"] == "a\x1bb"
    assert "FROM_THE_SERVER" not in spec["env"]
    assert spec["env"].get("TRAINSTOP_TOKEN") != "no"


def test_it_is_the_same_server_behind_both_doors(site: Site) -> None:
    job_id = site.through_the_door("POST", ROUTE, json=wish()).json()["job"]["id"]
    assert site.over_tcp("GET", f"{BASE_PATH}/jobs/{job_id}").json()["job"]["name"] == "mine"
    assert site.through_the_door("GET", f"{BASE_PATH}/jobs/{job_id}").json()["job"]["name"] == "mine"


def test_one_key_starts_one_job(site: Site) -> None:
    headers = {**HEADERS, "Idempotency-Key": "once"}
    ids = {
        site.through_the_door("POST", ROUTE, json=wish(), headers=headers).json()["job"]["id"]
        for _ in range(2)
    }
    assert len(ids) == 1
    other = site.through_the_door("POST", ROUTE, json=wish(argv=["other"]), headers=headers)
    assert other.status_code == 422


DISGUISES: list[dict[str, str]] = [
    {},
    {"Trainstop-Operator": "1", "trainstop.operator": "true"},
    {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "unix", "X-Real-IP": "127.0.0.1"},
    {"Forwarded": "for=unix:", "Host": "localhost"},
    {"X-HTTP-Method-Override": "POST", "X-Original-URL": ROUTE, "X-Rewrite-URL": ROUTE},
]


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize(
    "path",
    [ROUTE, f"{ROUTE}/", f"{BASE_PATH}//operator/jobs", f"{BASE_PATH}/jobs/../operator/jobs", ROUTE[4:]],
)
def test_over_tcp_there_is_no_such_route(
    site: Site, method: str, disguise: dict[str, str], path: str
) -> None:
    before = len(site.server.jobs.supervised())
    answer = site.over_tcp(method, path, json=wish(), headers={**HEADERS, **disguise})
    assert answer.status_code in (404, 405, 307), answer.text
    assert answer.status_code != 405 or "operator" not in path
    assert len(site.server.jobs.supervised()) == before


def test_the_token_is_needed_behind_the_door_too(site: Site) -> None:
    assert site.through_the_door("POST", ROUTE, json=wish(), headers={}).status_code == 401


def test_other_users_are_hung_up_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_socket, "admits", lambda user: False)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
        site.through_the_door("GET", f"{BASE_PATH}/health")
    monkeypatch.undo()
    assert site.through_the_door("GET", f"{BASE_PATH}/health").status_code == 200


def test_the_kernel_says_who_connects_and_a_tcp_connection_is_nobody(tmp_path: Path) -> None:
    assert operator_socket.admits(os.geteuid()) and operator_socket.admits(0)
    assert not operator_socket.admits(65534)
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert operator_socket.user_of(ours) == os.geteuid()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert operator_socket.user_of(accepted) is None
            assert operator_socket.user_of(client) is None


def test_only_its_owner_may_open_it(site: Site) -> None:
    status = (site.data_dir / NAME).stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert stat.S_IMODE(site.data_dir.stat().st_mode) == 0o700


def test_a_long_path_works_and_so_does_one_where_a_dead_servers_socket_lies(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30) / "data"
    with serving(long) as site:
        assert len(str(long / NAME)) > LONGEST_ADDRESS
        assert site.through_the_door("POST", ROUTE, json=wish()).status_code == 201
    listen_for_operators(long).close()
    listen_for_operators(long).close()


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"argv": []}, "argv"),
        ({"argv": [""]}, "argv"),
        ({"argv": ["a\0b"]}, "argv"),
        ({"argv": "rm -rf /"}, "argv"),
        ({"argv": [1]}, "argv.0"),
        ({"cwd": "."}, "cwd"),
        ({"cwd": "/no/such/directory"}, "cwd"),
        ({"cwd": "/tmp\0"}, "cwd"),
        ({"env": {"A=B": "c"}}, "env"),
        ({"env": {"": "c"}}, "env"),
        ({"env": {"A": "c\0"}}, "env"),
        ({"env": None}, "env"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_what_can_not_be_started_is_refused_with_its_field(
    site: Site, other: dict[str, Any], field: str
) -> None:
    before = len(site.server.jobs.supervised())
    answer = site.through_the_door("POST", ROUTE, json=wish(**other))
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert len(site.server.jobs.supervised()) == before


def test_a_large_environment_is_taken_and_an_endless_one_is_not(site: Site) -> None:
    large = wish(env={f"NAME_{n}": "x" * 1000 for n in range(1000)})
    assert site.through_the_door("POST", ROUTE, json=large).status_code == 201
    endless = json.dumps(wish(env={"X": "x" * 5_000_000}))
    headers = {**HEADERS, "Content-Type": "application/json"}
    assert site.through_the_door("POST", ROUTE, content=endless, headers=headers).status_code == 413
