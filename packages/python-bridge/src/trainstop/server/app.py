"""The server as an ASGI application: what belongs together is put together here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trainstop.server.configuration.configuration import Configuration
from trainstop.server.data_directory import server_id
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.server_lease import ServerLease, Worker
from trainstop.server.jobs.supervision_view import Launching, WorkerAccess
from trainstop.server.keep_lease import keep_lease
from trainstop.server.observability.metrics import Metrics
from trainstop.server.operator_socket import ByDoor, through_the_operators_door
from trainstop.server.request_log import FAILURE, RequestLog
from trainstop.server.retention.retention import Retention
from trainstop.server.routes import (
    capabilities,
    control,
    events,
    health,
    jobs,
    logs,
    metrics,
    operator_jobs,
    prometheus,
)
from trainstop.server.routes.answer import RequestError, refuse, refuse_error, refuse_refusal
from trainstop.server.routes.broadcast import Broadcast
from trainstop.server.routes.context import THREADS, Context, beside_the_loop
from trainstop.server.routes.feeds import Feeds
from trainstop.server.routes.other_servers import watch_other_servers
from trainstop.server.routes.report import Reports
from trainstop.server.routes.store_source import StoreSource
from trainstop.server.routes.stream_counts import StreamCounts
from trainstop.server.security.cors import Cors
from trainstop.server.security.credentials import Credentials
from trainstop.server.security.guard import Guard
from trainstop.server.security.hosts import AllowedHosts
from trainstop.server.security.limits import Limits
from trainstop.server.security.sign_in import people_of
from trainstop.server.security.token import Token
from trainstop.server.security.worker_token import WorkerTokens, read_worker_key
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.store_error import CommitUnknownError, StoreError, StoreFullError
from trainstop.server.store_place import secrets_of, store_place
from trainstop.server.supervision.supervisor import Supervisor

BASE_PATH = "/api/training"
METRICS_PATH = "/metrics"
"""Prometheus'. No part of the protocol, so not below its path."""
WORKER_KEY_NAME = "worker-key"
log = logging.getLogger("trainstop.server")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    data_dir: Path
    """Made if it is not there, for its owner alone."""
    token: Token
    configuration: Configuration
    environment: Mapping[str, str]
    """The server's own, of which jobs get a clean copy."""
    url: str | None = None
    """Where processes on this machine reach the server; None: they are told of no such place."""
    jwt_secret: bytes | None = None
    """Of `people.jwt_secret_file`."""

    metrics_token: Token | None = None
    """Of `metrics.token_file`; None: the server's own opens `/metrics`."""

    @property
    def secrets(self) -> list[str]:
        """What must stand in no log, no answer and no job's environment."""
        jwt_secret = b"" if self.jwt_secret is None else self.jwt_secret
        store = secrets_of(self.store_place, self.environment)
        metrics_token = "" if self.metrics_token is None else self.metrics_token.value
        secrets = (self.token.value, jwt_secret.decode("latin-1"), metrics_token, *store)
        return [secret for secret in secrets if secret]

    @property
    def store_place(self) -> Path | PostgresUrl:
        """Raises ConfigurationError or StoreError."""
        return store_place(self.configuration.store, self.environment, self.data_dir.resolve())


class Supervision(Protocol):
    """Looks after the jobs' processes from `start` to `stop`."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class TrainingServer:
    """The application, and what lives as long as it does. Opening the store blocks; raises StoreError."""

    def __init__(
        self, options: ServerOptions, supervise: Callable[[Jobs, Path], Supervision] = Supervisor
    ) -> None:
        self._supervise = supervise
        options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        options.data_dir.chmod(0o700)
        data_dir = options.data_dir.resolve()
        configuration = options.configuration
        self.limits = configuration.limits
        self.database = Database(options.store_place)
        self._lease = ServerLease(self.database, Worker(server_id(data_dir), str(data_dir)))
        try:
            self._lease.take()
        except BaseException:
            self.database.close()
            raise
        self.broadcast = Broadcast()
        environment = environment_for_jobs(options.environment, options.secrets)
        workers = WorkerTokens(read_worker_key(data_dir / WORKER_KEY_NAME))
        self.jobs = Jobs(
            self.database,
            Launching(
                data_dir,
                environment,
                configuration.server.max_running_jobs,
                WorkerAccess(options.url, workers.token),
                server_id=self._lease.worker.server_id,
                run=self._lease.worker.run,
                log_limit_bytes=configuration.retention.log_bytes_per_attempt,
            ),
            configuration.templates,
            grace_seconds=configuration.server.grace_seconds,
        )
        self.jobs.on_event = self.broadcast.tell
        counts = StreamCounts()
        self.metrics = Metrics(counts, self.jobs.count)
        self.jobs.observer = self.metrics
        self.database.on_transaction = self.metrics.transaction
        self._retention = Retention(
            self.database, self.jobs, data_dir, configuration.retention, self._lease.worker.server_id
        )
        checks = health.Checks(
            {
                "store": self.jobs.store_answers,
                "data_directory": lambda: health.can_be_written(data_dir),
            }
        )
        limiter = anyio.CapacityLimiter(THREADS)
        source = StoreSource(self.jobs, data_dir, partial(beside_the_loop, limiter))
        self.feeds = Feeds(source, self.broadcast)
        self._context = Context(
            self.jobs, data_dir, self.broadcast, self.feeds, limiter, checks, self.metrics, counts
        )
        everybody = self._application([Mount(BASE_PATH, routes=routes())], self._lifespan)
        operators = self._application([Mount(BASE_PATH, routes=[*routes(), *operator_routes()])], None)
        limits = Limits(configuration.limits)
        hosts = AllowedHosts(configuration.server.allowed_hosts)
        guard = Guard(
            ByDoor(everybody, operators),
            credentials=Credentials(
                options.token, workers, people_of(configuration.people, options.jwt_secret)
            ),
            hosts=hosts,
            limits=limits,
            cors=Cors(configuration.cors.origins),
            open_paths=frozenset({f"{BASE_PATH}/health"}),
        )
        monitoring = Guard(
            self._application([Route(METRICS_PATH, prometheus.prometheus, methods=["GET"])], None),
            credentials=Credentials(options.metrics_token or options.token, workers, None),
            hosts=hosts,
            limits=limits,
            cors=Cors(()),
            open_paths=frozenset(),
        )
        self.app: ASGIApp = RequestLog(_by_path(METRICS_PATH, monitoring, guard), self.metrics)
        self.operator_app: ASGIApp = through_the_operators_door(self.app)
        """For the operator's socket."""

    def leave(self) -> None:
        """The server is asked to go: not ready any more, streams and waits end. Call in its event loop."""
        self._context.phase = "leaving"
        self._end_streams()

    def _application(
        self,
        served: Sequence[BaseRoute],
        lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None,
    ) -> Starlette:
        application = Starlette(
            routes=served,
            lifespan=lifespan,
            exception_handlers={
                Refusal: _refusal,
                RequestError: _request_error,
                StoreError: _store_error,
                HTTPException: _http_exception,
                Exception: _failure,
            },
        )
        application.state.context = self._context
        return application

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self.broadcast.open()
        supervision = self._supervise(self.jobs, self._context.data_dir)
        tasks = [
            asyncio.create_task(self.feeds.watch_logs()),
            asyncio.create_task(self.feeds.watch_readers()),
        ]
        try:
            await supervision.start()
            if self.database.shared:
                tasks.append(asyncio.create_task(watch_other_servers(self.jobs, self.broadcast)))
                tasks.append(asyncio.create_task(keep_lease(self._lease, supervision.stop)))
            try:
                self._context.phase = "serving"
                self._retention.start()
                yield
            finally:
                self._context.phase = "leaving"
                await asyncio.to_thread(self._retention.stop)
                await supervision.stop()
        finally:
            self._end_streams()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self._close_store)

    def _close_store(self) -> None:
        if self.database.shared:
            try:
                self._lease.give_back()
            except (StoreError, SQLAlchemyError) as error:  # it ends by itself
                log.warning("the store can't be told that this server goes: %s", error)
        self.database.close()

    def _end_streams(self) -> None:
        """And waits; now and from now on."""
        self.broadcast.close()
        self.feeds.close()


def _by_path(path: str, there: ASGIApp, everywhere_else: ASGIApp) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = there if scope["type"] == "http" and scope["path"] == path else everywhere_else
        await chosen(scope, receive, send)

    return application


def environment_for_jobs(environment: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    """A copy without anything of Trainstop's own and without its secrets, whatever name they go by."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("TRAINSTOP_") and not any(secret in value for secret in secrets)
    }


def routes() -> list[Route]:
    """Below the base path: just those of the OpenAPI file."""
    found = [
        Route("/local/{job_id}/control", control.control, methods=["POST"]),
        Route("/cancel/{job_id}", control.control_by_path("cancel"), methods=["POST"]),
        Route("/pause/{job_id}", control.control_by_path("pause"), methods=["POST"]),
        Route("/resume/{job_id}", control.control_by_path("resume"), methods=["POST"]),
        Route("/jobs", jobs.start, methods=["POST"]),
        Route("/jobs", jobs.newest, methods=["GET"]),
        Route("/jobs/{job_id}", jobs.one, methods=["GET"]),
        Route("/jobs/{job_id}/report", Reports().report, methods=["POST"]),
        Route("/jobs/{job_id}/events", events.events, methods=["GET"]),
        Route("/events", events.events_of_many, methods=["POST"]),
        Route("/jobs/{job_id}/metrics", metrics.metrics, methods=["GET"]),
        Route("/jobs/{job_id}/logs", logs.logs, methods=["GET"]),
        Route("/jobs/{job_id}/checkpoints", jobs.checkpoints, methods=["GET"]),
        Route("/jobs/{job_id}/commands", jobs.commands, methods=["GET"]),
        Route("/jobs/{job_id}/commands/{command_id}", jobs.command, methods=["GET"]),
        Route("/capabilities", capabilities.capabilities, methods=["GET"]),
        Route("/health", health.health, methods=["GET"]),
    ]
    for route in found:
        # Starlette adds it to GET; on a stream it would answer nothing, for as long as the job runs.
        (route.methods or set()).discard("HEAD")
    return found


def operator_routes() -> list[Route]:
    """What is served at the operator's socket beside all others, and never over TCP."""
    return [Route("/operator/jobs", operator_jobs.start_command, methods=["POST"])]


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refuse_refusal(request.scope, error)


async def _request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return refuse_error(request.scope, error)


async def _store_error(request: Request, error: Exception) -> Response:
    log.warning("%s %s: %s", request.method, request.url.path, error)
    if isinstance(error, CommitUnknownError):
        sentence = "The connection to the store broke; whether this was done, only another look can tell."
        return refuse(request.scope, 504, "outcome_unknown", sentence)
    if isinstance(error, StoreFullError):
        sentence = (
            "The disk of the server's store is full, so nothing was changed; free some of it and try again."
        )
        return refuse(request.scope, 500, "internal", sentence)
    sentence = "The server's store can't be reached just now, and nothing was changed; try again in a moment."
    return refuse(request.scope, 502, "server_unreachable", sentence)


async def _failure(request: Request, error: Exception) -> Response:
    """Our own. It is raised on after this answer, and logged where the request's id is known."""
    return refuse(request.scope, 500, "internal", FAILURE)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        sentence = f"This path does not take {request.method}."
        answer = refuse(request.scope, 405, "invalid_request", sentence)
        answer.headers["Allow"] = ", ".join(_methods_of(request.scope["path"].removeprefix(BASE_PATH)))
        return answer
    return refuse(request.scope, error.status_code, "not_found", "There is nothing under this path.")


def _methods_of(path: str) -> list[str]:
    """What every route of this path takes together; Starlette names one route's alone."""
    every = [*routes(), *operator_routes()]
    return sorted({m for route in every if route.path_regex.match(path) for m in route.methods or ()})
