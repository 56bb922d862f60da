"""Running the server: socket, ready line, signals, and an end that no open stream holds up."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from trainstop.server.app import BASE_PATH, ServerOptions, TrainingServer
from trainstop.server.configuration.configuration import Configuration, read_configuration
from trainstop.server.configuration.configuration_error import ConfigurationError
from trainstop.server.data_directory import DataDirectoryInUseError, claim
from trainstop.server.garbage_collection import exempt_what_is_loaded
from trainstop.server.http_connection import HttpConnection
from trainstop.server.observability.log_output import log_to_stderr
from trainstop.server.operator_socket import checked, listen_for_operators
from trainstop.server.operator_socket_path import NAME as OPERATOR_SOCKET
from trainstop.server.operator_socket_path import OperatorSocketError
from trainstop.server.security.connections import Connections, bounded
from trainstop.server.security.hosts import is_loopback
from trainstop.server.security.sign_in import read_jwt_secret
from trainstop.server.security.token import Token, TokenError, read_token
from trainstop.server.server_address import remove_server_address, write_server_address
from trainstop.server.store.database import StoreError

log = logging.getLogger("trainstop.server")

LEAVING_SECONDS = 2
"""How long answers under way may take once the server was asked to go."""
LAST_SECONDS = 2.8
"""When a server that was asked to go is gone, whatever hangs: a disk, a database, a reader."""


class CannotServe(Exception):
    """The server can't start. One plain sentence for the operator."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    host: str
    port: int
    """0: any free one."""
    data_dir: Path
    token_file: Path | None
    """None: `token` in the data directory."""
    config: Path | None


def serve(options: ServeOptions, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; training goes on. `announce` gets the URL when it is ready.

    Raises CannotServe.
    """
    if options.token_file is None and not is_loopback(options.host):
        raise CannotServe(
            f"{options.host} can be reached from other machines; name the token file with --token-file to "
            "show that you mean it, or use --host 127.0.0.1."
        )
    try:
        configuration = Configuration() if options.config is None else read_configuration(options.config)
        options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        claimed = claim(options.data_dir)
        token = read_token(options.token_file or options.data_dir / "token")
        config_dir = Path() if options.config is None else options.config.parent
        jwt_secret = read_jwt_secret(configuration.people, config_dir)
        metrics_token = _metrics_token(configuration, config_dir)
        listener = listen(options.host, options.port)
        reached_at = _url(_for_this_machine(options.host), listener)
        server_options = ServerOptions(
            options.data_dir, token, configuration, os.environ, reached_at, jwt_secret, metrics_token
        )
        log_to_stderr(configuration.log, server_options.secrets)
        server = TrainingServer(server_options)
        operators = _operators(options.data_dir)
    except (ConfigurationError, DataDirectoryInUseError, TokenError, StoreError) as error:
        raise CannotServe(str(error)) from None
    except OSError as error:
        raise CannotServe(
            f"The data directory {options.data_dir} can't be used: {error.strerror}. Name one that can be "
            "written to with --data."
        ) from None

    def ready() -> None:
        here = _url(_for_this_machine(options.host), listener)
        try:
            write_server_address(options.data_dir, here, options.token_file or options.data_dir / "token")
        except OSError as error:
            log.warning(
                "Where the server is can't be written to %s (%s); give commands the address with --url.",
                options.data_dir,
                error.strerror,
            )
        exempt_what_is_loaded()
        announce(_url(options.host, listener))

    def left() -> None:
        with contextlib.suppress(OSError):
            remove_server_address(options.data_dir)
            (options.data_dir / OPERATOR_SOCKET).unlink(missing_ok=True)

    try:
        HttpServer(server, ready, operators, left).run(sockets=[listener])
    finally:
        os.close(claimed)


class HttpServer(uvicorn.Server):
    """Serves a training server on a socket; `ready` is called when it does."""

    def __init__(
        self,
        server: TrainingServer,
        ready: Callable[[], None],
        operators: socket.socket | None = None,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        """`operators`: the operator's socket, listening; this server closes it. `left` is called when nobody
        is served any more."""
        super().__init__(
            uvicorn.Config(
                server.app,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                http=bounded(HttpConnection, Connections(server.limits)),
                ws="none",
                loop="asyncio",
                timeout_graceful_shutdown=LEAVING_SECONDS,
            )
        )
        # It would log queries. The server keeps a log of its own.
        logging.getLogger("uvicorn.access").disabled = True
        self._server = server
        self._ready = ready
        self._operators = operators
        self._left = left

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            if self._operators is not None:
                await self._open_to_operators(self._operators)
            self._ready()

    async def _open_to_operators(self, listener: socket.socket) -> None:
        """The same connections on another socket: uvicorn ends them with the others."""
        config = copy.copy(self.config)
        config.loaded_app = self._server.operator_app
        connection = checked(self.config.http_protocol_class)

        def create() -> asyncio.Protocol:
            return connection(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        self.servers.append(await asyncio.get_running_loop().create_unix_server(create, sock=listener))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """In this order, and training goes on whatever comes of it:

        1. no new connection is taken, `/health` is not ready, idle connections are closed;
        2. streams and waits end: waiting for them would be waiting for their readers;
        3. answers under way are given LEAVING_SECONDS, then cut off;
        4. (in the application's lifespan) supervision stops, then the store is closed.

        A second signal, or LAST_SECONDS after the first, ends the process wherever it is: what was answered
        is on disk.
        """
        self._server.leave()
        await super().shutdown(sockets)
        self._left()
        self._captured_signals.clear()  # they were obeyed; raised again they would cut off what follows

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        for each in HANDLED_SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        end = threading.Timer(LAST_SECONDS, _end_at_once)
        end.daemon = True
        end.start()


def _end_at_once() -> None:
    log.warning("Leaving without an answer to the last requests: something took too long to end.")
    os._exit(0)


def _operators(data_dir: Path) -> socket.socket | None:
    try:
        return listen_for_operators(data_dir)
    except OperatorSocketError as error:
        log.warning("%s Until then `trainstop run` does not work; everything else does.", error)
        return None


def _metrics_token(configuration: Configuration, config_dir: Path) -> Token | None:
    path = configuration.metrics.token_file
    return None if path is None else read_token(config_dir / Path(path).expanduser())


def _for_this_machine(host: str) -> str:
    """Where processes beside the server reach one that listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def listen(host: str, port: int) -> socket.socket:
    """Raises CannotServe.

    It names its protocol, which Python's `create_server` does not: asyncio turns Nagle's algorithm off only
    where it is named, and else answers wait 40 ms for the caller's delayed acknowledgement.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise CannotServe(
            f"The server can't listen at {host} port {port}: {why}. "
            "Choose another with --port (0 takes any free one)."
        ) from None
    return listener


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}{BASE_PATH}"
