"""The door for whoever sits at this machine: a Unix socket that the server's own user and root may use.

Over TCP only what the configuration lists is started. Here any command is (`trainstop run`), for whoever may
connect could start it without the server too. Three locks: the data directory is 0700, the socket 0600, and
the kernel is asked who connects.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from trainstop.server.operator_socket_path import NAME, OperatorSocketError, socket_address

_DOOR = "trainstop.operator"


def listen_for_operators(data_dir: Path) -> socket.socket:
    """Call with the data directory's lock: what lies at the path is a dead server's.

    Raises OperatorSocketError.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        (data_dir / NAME).unlink(missing_ok=True)
        with socket_address(data_dir) as address:
            listener.bind(address)
        # Nobody connects before this: it doesn't listen yet.
        (data_dir / NAME).chmod(0o600)
        listener.listen(16)
    except OSError as error:
        listener.close()
        raise OperatorSocketError(
            f"No Unix socket can be made in {data_dir}: {error.strerror}. It may lie on a file system that "
            "takes none (some network ones); choose a directory on a local disk."
        ) from None
    except OperatorSocketError:
        listener.close()
        raise
    return listener


def admits(user: int) -> bool:
    """Whether a process of this user id may come in: the server's own, and root."""
    return user in (0, os.geteuid())


def user_of(connection: Any) -> int | None:
    """The user id of whoever connected; None when the kernel does not say."""
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return None
    user: int = struct.unpack("3i", credentials)[1]
    # Of a TCP connection, the kernel says pid 0 and user -1.
    return user if user >= 0 else None


def checked(protocol: type[Any]) -> type[asyncio.Protocol]:
    """uvicorn's protocol of a connection, for those that may come in; the others are hung up on."""

    class OperatorConnection(protocol):  # type: ignore[misc]
        _admitted = False

        def connection_made(self, transport: asyncio.Transport) -> None:
            user = user_of(transport.get_extra_info("socket"))
            self._admitted = user is not None and admits(user)
            if self._admitted:
                super().connection_made(transport)
            else:
                transport.abort()

        def data_received(self, data: bytes) -> None:
            if self._admitted:
                super().data_received(data)

        def eof_received(self) -> None:
            if self._admitted:
                super().eof_received()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._admitted:
                super().connection_lost(exc)

    return OperatorConnection


class ByDoor:
    """ASGI: one application for the operator's socket, another for everybody. No header chooses."""

    def __init__(self, everybody: ASGIApp, operators: ASGIApp) -> None:
        self._everybody = everybody
        self._operators = operators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._operators if scope.get(_DOOR) is True else self._everybody
        await app(scope, receive, send)


def through_the_operators_door(app: ASGIApp) -> ASGIApp:
    """What the socket serves: `app`, each request marked as having come in here."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, _DOOR: True}, receive, send)

    return marked
