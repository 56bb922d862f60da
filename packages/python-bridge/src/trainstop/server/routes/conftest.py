"""A real server on a real socket, without supervision: the tests tell the facts themselves."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import SecretStr
from referencing import Registry, Resource

from trainstop.server.app import BASE_PATH, ServerOptions, TrainingServer
from trainstop.server.configuration.configuration import Configuration
from trainstop.server.configuration.limits_section import LimitsSection
from trainstop.server.configuration.store_section import StoreSection
from trainstop.server.conftest import STORES, postgres
from trainstop.server.jobs.conftest import TEMPLATE, Clock, Desk
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.security.token import Token
from trainstop.server.serving import HttpServer, listen
from trainstop.server.testing.own_directory import in_memory

TOKEN = "test-token-0123456789"
GUESSING_ALLOWED = LimitsSection(refusals_per_second=1e6, reports_per_second=1e6)
"""The tests come with thousands of wrong tokens, and of broken reports."""
WAIT_SECONDS = 60.0
"""What a test waits for an event that must come. Reached only when it doesn't."""
SCHEMAS = Path(__file__).parents[5] / "sdk" / "protocol" / "schemas"


class Unsupervised:
    def __init__(self, jobs: Jobs, data_dir: Path) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Protocol:
    """The JSON Schemas that the SDK is generated from."""

    def __init__(self) -> None:
        self._schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
        pairs = [(name, Resource.from_contents(schema)) for name, schema in self._schemas.items()]
        self._registry: Registry[Any] = Registry().with_resources(pairs)

    def check(self, name: str, value: Any) -> None:
        schema = self._schemas[f"{name}.json"]
        Draft202012Validator(schema, registry=self._registry).validate(value)


PROTOCOL = Protocol()


class Site:
    """The running server, someone who calls it, and a desk behind it."""

    def __init__(self, server: TrainingServer, data_dir: Path, port: int) -> None:
        self.server = server
        self.data_dir = data_dir
        self.port = port
        self.url = f"http://127.0.0.1:{port}{BASE_PATH}"
        self.desk = Desk(server.jobs, Clock())
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=WAIT_SECONDS
        )

    def ask(self, method: str, path: str, schema: str, status: int = 200, **request: Any) -> Any:
        """Call, and hold the answer to its status and schema."""
        response = self.client.request(method, path, **request)
        assert response.status_code == status, response.text
        assert response.headers["x-request-id"]
        assert response.headers["content-type"] == "application/json"
        PROTOCOL.check(schema, response.json())
        return response.json()

    def get(self, path: str, schema: str, **request: Any) -> Any:
        return self.ask("GET", path, schema, **request)

    def post(self, path: str, schema: str, **request: Any) -> Any:
        return self.ask("POST", path, schema, **request)


@contextlib.contextmanager
def serving(
    data_dir: Path,
    *,
    jwt_secret: bytes | None = None,
    metrics_token: Token | None = None,
    **sections: Any,
) -> Iterator[tuple[Site, HttpServer]]:
    """`sections` of the configuration."""
    configuration = Configuration(templates={"digits": TEMPLATE}, **{"limits": GUESSING_ALLOWED, **sections})
    options = ServerOptions(
        *(data_dir, Token(TOKEN), configuration, {"PATH": "/bin"}, "http://127.0.0.1:1"),
        jwt_secret=jwt_secret,
        metrics_token=metrics_token,
    )
    server = TrainingServer(options, Unsupervised)
    listener = listen("127.0.0.1", 0)
    ready = threading.Event()
    http_server = HttpServer(server, ready.set)
    thread = threading.Thread(target=http_server.run, args=([listener],), name="server")
    thread.start()
    try:
        assert ready.wait(WAIT_SECONDS)
        site = Site(server, data_dir, listener.getsockname()[1])
        with site.client:
            yield site, http_server
    finally:
        http_server.should_exit = True
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


@contextlib.contextmanager
def serving_over(store: str, **sections: Any) -> Iterator[Site]:
    """The same with an empty store of a kind, and nothing that waits for a disk."""
    url = SecretStr(postgres().new_database()) if store == "postgresql" else None
    with (
        tempfile.TemporaryDirectory(dir=in_memory()) as directory,
        serving(Path(directory), store=StoreSection(url=url), **sections) as (site, _),
    ):
        yield site


@pytest.fixture(scope="module", params=STORES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Over each store."""
    with serving_over(request.param) as site:
        yield site
