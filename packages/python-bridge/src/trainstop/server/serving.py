"""Running the server: socket, ready line, signals, and an end that no open stream holds up."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from trainstop.server.app import BASE_PATH, ServerOptions, TrainingServer
from trainstop.server.configuration.configuration import Configuration, read_configuration
from trainstop.server.configuration.configuration_error import ConfigurationError
from trainstop.server.data_directory import DataDirectoryInUseError, claim
from trainstop.server.security.hosts import is_loopback
from trainstop.server.security.redaction import Redaction
from trainstop.server.security.token import TokenError, read_token
from trainstop.server.store.database import StoreError

LEAVING_SECONDS = 2
"""How long answers under way may take once the server was asked to go."""


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
        _log_to_stderr([token.value])
        listener = _listen(options.host, options.port)
        server = TrainingServer(ServerOptions(options.data_dir, token, configuration, os.environ))
    except (ConfigurationError, DataDirectoryInUseError, TokenError, StoreError) as error:
        raise CannotServe(str(error)) from None
    except OSError as error:
        raise CannotServe(f"The data directory {options.data_dir} can't be used: {error.strerror}.") from None
    try:
        HttpServer(server, lambda: announce(_url(options.host, listener))).run(sockets=[listener])
    finally:
        os.close(claimed)


class HttpServer(uvicorn.Server):
    """Serves a training server on a socket; `ready` is called when it does."""

    def __init__(self, server: TrainingServer, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                server.app,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                http="h11",
                ws="none",
                loop="asyncio",
                timeout_graceful_shutdown=LEAVING_SECONDS,
            )
        )
        # It would log queries. The server keeps a log of its own.
        logging.getLogger("uvicorn.access").disabled = True
        self._server = server
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams end when told to; waiting for them would be waiting for their readers.
        self._server.broadcast.close()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
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


def _log_to_stderr(secrets: list[str]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redaction(secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
