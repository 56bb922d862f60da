"""How the server speaks HTTP: uvicorn's protocol on httptools, with bounds for streams and headers."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTION = "trainstop.connection"
"""ASGI extension: `drop` ends the connection at once, without waiting for what its peer takes; `unsent` tells
how many bytes still wait for it."""
WRITE_BUFFER_BYTES = 16 * 1024
"""From here on an answer waits for its reader."""
UNSENT_BYTES = 64 * 1024
"""What the system holds, beside what travels, before the socket takes no more: a reader that stalls is
noticed early, and neither here nor in the kernel does anything grow with it."""
MAX_HEAD_BYTES = 64 * 1024
"""Of a request's first line and headers."""


class HttpConnection(HttpToolsProtocol):
    """One connection. TCP_NODELAY is asyncio's default."""

    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            # httptools itself would take in headers for ever.
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The request's headers are too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self.scope["extensions"] = {
            CONNECTION: {"drop": self.transport.abort, "unsent": self.transport.get_write_buffer_size}
        }

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
