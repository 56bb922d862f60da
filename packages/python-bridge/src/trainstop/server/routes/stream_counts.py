"""How many read event streams, and what they were sent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class StreamCounts:
    """For one event loop; reading it from another thread is harmless."""

    def __init__(self) -> None:
        self.readers = 0
        self.delivered = 0
        self.resets = 0

    @contextlib.contextmanager
    def reader(self) -> Iterator[None]:
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1

    def sent(self, messages: bytes) -> None:
        """Any number of whole messages, as they travel. Within their JSON no line ends."""
        self.delivered += messages.count(b"\ndata: ")
        self.resets += messages.count(b"event: reset\n")
