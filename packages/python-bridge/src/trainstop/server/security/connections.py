"""Slow clients, and too many of them: what uvicorn's connections leave out."""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
from collections import OrderedDict
from typing import Any

from trainstop.server.configuration.limits_section import LimitsSection

RESERVED_FILES = 256
"""Open files that connections leave for the store, journals and new processes."""
LARGEST_HEAD_BYTES = 1 << 20
"""Beyond what any parser takes: some have no limit of their own."""
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connections:
    """Those that are open. When there are too many, one that has asked for nothing makes room."""

    def __init__(self, section: LimitsSection) -> None:
        self.section = section
        self.most = section.connections or max(
            64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVED_FILES
        )
        self.open = 0
        self._without_request: OrderedDict[Any, None] = OrderedDict()

    def admit(self, connection: Any) -> bool:
        if self.open >= self.most:
            if not self._without_request:
                return False
            self._without_request.popitem(last=False)[0].transport.abort()
        self.open += 1
        self._without_request[connection] = None
        return True

    def asks(self, connection: Any, *, something: bool) -> None:
        if something:
            self._without_request.pop(connection, None)
        elif connection not in self._without_request:
            self._without_request[connection] = None

    def leave(self, connection: Any) -> None:
        self.open -= 1
        self._without_request.pop(connection, None)


def bounded(protocol: type[Any], connections: Connections) -> type[asyncio.Protocol]:
    """uvicorn's protocol of a connection, with a time for the head of a request, one for its body, one for
    taking the answer, and a place among so many. Between requests uvicorn's own keep-alive time holds."""
    section = connections.section

    class BoundedConnection(protocol):  # type: ignore[misc]
        _admitted = False
        _reading: tuple[object, str] | None = None
        """Which request's head or body is on its way."""
        _read_timer: asyncio.TimerHandle | None = None
        _write_timer: asyncio.TimerHandle | None = None
        _bytes_of_head = 0

        def connection_made(self, transport: asyncio.Transport) -> None:
            self._admitted = connections.admit(self)
            if not self._admitted:
                transport.abort()
                return
            super().connection_made(transport)
            self._look(began=True)

        def data_received(self, data: bytes) -> None:
            if not self._admitted:
                return
            if self._waits_for_head():
                self._bytes_of_head += len(data)
            super().data_received(data)
            self._look(began=True)

        def eof_received(self) -> None:
            if self._admitted:
                super().eof_received()

        def connection_lost(self, exc: Exception | None) -> None:
            if not self._admitted:
                return
            self._stop(self._read_timer)
            self._stop(self._write_timer)
            connections.leave(self)
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            self._stop(self._write_timer)
            self._write_timer = self.loop.call_later(section.write_seconds, self._too_long_untaken)
            super().pause_writing()

        def resume_writing(self) -> None:
            self._stop(self._write_timer)
            super().resume_writing()

        def on_response_complete(self) -> None:
            self._bytes_of_head = 0
            super().on_response_complete()
            self._look(began=False)

        def _waits_for_head(self) -> bool:
            return self.cycle is None or bool(self.cycle.response_complete)

        def _look(self, *, began: bool) -> None:
            """Set the clock for what is on its way now. The time for one thing is never begun anew."""
            if self.transport.is_closing():
                self._stop(self._read_timer)
                return
            head = self._waits_for_head()
            connections.asks(self, something=not head)
            if head and self._bytes_of_head > LARGEST_HEAD_BYTES:
                self.transport.abort()
                return
            if head:
                reading = (self.cycle, "head") if began else None
            else:
                self._bytes_of_head = 0
                reading = (self.cycle, "body") if self.cycle.more_body else None
            if reading != self._reading:
                self._reading = reading
                self._stop(self._read_timer)
                if reading is not None:
                    seconds = section.header_seconds if head else section.body_seconds
                    self._read_timer = self.loop.call_later(seconds, self._too_slow)

        def _too_slow(self) -> None:
            if self._waits_for_head():
                if self._bytes_of_head:
                    self.transport.write(TOO_SLOW)
                self.transport.close()
            else:  # the route that reads the body hears that nobody is there any more
                self.transport.abort()

        def _too_long_untaken(self) -> None:
            # Without this the kernel would go on keeping what nobody takes.
            wire = self.transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

        @staticmethod
        def _stop(timer: asyncio.TimerHandle | None) -> None:
            if timer is not None:
                timer.cancel()

    return BoundedConnection
