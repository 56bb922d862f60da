"""Every operation of the OpenAPI file, and someone who writes requests byte by byte."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trainstop.server.app import BASE_PATH, WORKER_KEY_NAME
from trainstop.server.routes.conftest import TOKEN, WAIT_SECONDS, Site, serving_over
from trainstop.server.security.worker_token import WorkerTokens, read_worker_key

OPENAPI = Path(__file__).parents[5] / "sdk" / "protocol" / "openapi.json"
JSON_TYPE = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Operation:
    """One route and method, as documented."""

    method: str
    path: str
    """With its parameters in braces, below the base path."""
    open: bool
    """Needs no token."""
    body: str | None
    """The name of its body's schema."""
    streams: bool
    statuses: frozenset[int]
    parameters: tuple[str, ...] = field(default=())
    """Of the path."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def target(self, **parameters: str) -> str:
        """The path with its parameters filled in, raw."""
        return BASE_PATH + re.sub(r"\{(\w+)\}", lambda hole: parameters[hole[1]], self.path)

    @property
    def of_runs(self) -> bool:
        """Takes the token of a run, and no other."""
        return self.path.endswith("/report")


def document() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(OPENAPI.read_text())
    return value


def operations() -> list[Operation]:
    found = []
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            success = told["responses"]["200"]["content"] if "200" in told["responses"] else {}
            found.append(
                Operation(
                    method.upper(),
                    path,
                    open=told.get("security") == [],
                    body=None if body is None else body["$ref"].rpartition("/")[2],
                    streams="text/event-stream" in success,
                    statuses=frozenset(int(status) for status in told["responses"]),
                    parameters=tuple(re.findall(r"\{(\w+)\}", path)),
                )
            )
    return found


OPERATIONS = operations()
EXAMPLES = {
    "ControlRequest": {"action": "cancel"},
    "StartRequest": {"template": "digits"},
    "ReportRequest": {"attempt": 1, "rank": 0, "offset": 0, "facts": []},
}
"""A good body for those schemas that don't take an empty object."""


def example(operation: Operation) -> bytes:
    if operation.body is None:
        return b""
    return json.dumps(EXAMPLES.get(operation.body, {})).encode()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def code(self) -> str | None:
        """Of the error; None when the answer is none of the server's own errors."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value.get("code") if isinstance(value, dict) else None


def allowed(port: int, token: str = TOKEN) -> list[tuple[str, str]]:
    """The headers that every good request has."""
    return [("Host", f"127.0.0.1:{port}"), ("Authorization", f"Bearer {token}")]


def ask(
    port: int,
    method: str,
    target: str | bytes,
    headers: Iterable[tuple[str, str]],
    body: bytes | None = b"",
    *,
    framing: tuple[tuple[str, str], ...] | None = None,
) -> Answer:
    """One request on a connection of its own. Nothing is checked, quoted or added but the body's length
    (other `framing` says otherwise). The body may be cut short by an early answer."""
    if framing is None:
        framing = (("Content-Length", str(len(body or b""))),)
    path = target if isinstance(target, bytes) else target.encode("latin-1")
    lines = [method.encode() + b" " + path + b" HTTP/1.1"]
    lines += [
        f"{name}: {value}".encode("latin-1") for name, value in (*headers, *framing, ("Connection", "close"))
    ]
    return speak(port, b"\r\n".join([*lines, b"", body or b""]))


def speak(port: int, message: bytes) -> Answer:
    """Send bytes, read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as connection:
        with contextlib.suppress(OSError):  # refused before it was all there
            connection.sendall(message)
        received = bytearray()
        while True:
            try:
                data = connection.recv(65536)
            except ConnectionError:
                break
            if not data:
                break
            received += data
    return read_answer(bytes(received))


def read_answer(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:]]
    headers = [(name.lower(), value.strip()) for name, _, value in pairs]
    if ("transfer-encoding", "chunked") in headers:
        body = _unchunked(body)
    status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/1.1 ") else 0
    return Answer(status, headers, body)


def _unchunked(data: bytes) -> bytes:
    whole = bytearray()
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        whole += rest[:length]
        data = rest[length + 2 :]
    return bytes(whole)


every = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
closed = pytest.mark.parametrize("operation", [each for each in OPERATIONS if not each.open], ids=str)
about_a_job = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if "job_id" in each.parameters], ids=str
)
with_a_body = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.body is not None], ids=str
)
ID_OF_NOTHING = "job_0123456789abcdef"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Over one store: who may come in is decided before any is asked."""
    with serving_over("sqlite") as site:
        yield site


@pytest.fixture(scope="module")
def job_id(site: Site) -> str:
    """A job of Ada's that is over, so that its streams end by themselves."""
    job_id = site.desk.running(owner="ada")
    site.desk.exit(job_id)
    return job_id


def target(operation: Operation, job_id: str = ID_OF_NOTHING) -> str:
    return operation.target(job_id=job_id, command_id="cmd_0123456789abcdef")


def worker_token(site: Site, job_id: str = ID_OF_NOTHING) -> str:
    """Of a job's first attempt, whether or not there is such a job."""
    return WorkerTokens(read_worker_key(site.data_dir / WORKER_KEY_NAME)).token(job_id, 1)


def bearing(site: Site, operation: Operation) -> list[tuple[str, str]]:
    """The headers of a good request to an operation: with the token that it is for."""
    return allowed(site.port, worker_token(site) if operation.of_runs else TOKEN)


def attack(site: Site, operation: Operation, *extra: tuple[str, str], job_id: str = ID_OF_NOTHING) -> Answer:
    """A good request with something added."""
    headers = [*bearing(site, operation), JSON_TYPE, *extra]
    return ask(site.port, operation.method, target(operation, job_id), headers, example(operation))


def as_documented(operation: Operation, answer: Answer) -> bool:
    return answer.status in operation.statuses


@pytest.fixture
def nothing_was_broken(site: Site, job_id: str) -> Iterator[None]:
    yield
    assert site.desk.job(job_id)["status"] == "completed"
