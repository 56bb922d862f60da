"""Waiting for what must come, and sweeping away whatever a test started on the machine."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

WAIT_SECONDS = 90.0
"""What a test waits for an event that must come. Reached only when it doesn't."""


def until(look: Callable[[], T | None], what: str) -> T:
    """Wait until `look` gives something true, and return that."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() >= ends:
            raise AssertionError(f"waited {WAIT_SECONDS:g} s in vain for {what}")
        time.sleep(0.01)


async def until_async(look: Callable[[], T | None], what: str) -> T:
    """The same, while the event loop goes on. `look` may block for a moment."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        found = await asyncio.to_thread(look)
        if found:
            return found
        if time.monotonic() >= ends:
            raise AssertionError(f"waited {WAIT_SECONDS:g} s in vain for {what}")
        await asyncio.sleep(0.01)


def processes_of(directory: Path) -> list[int]:
    """Everybody who was started with this directory in arguments or environment: shims, jobs, servers."""
    found = []
    wanted = os.fsencode(directory)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if wanted in told:
                found.append(int(entry.name))
    return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory; whoever was started in its name is killed at the end of the test."""
    directory = tmp_path.resolve() / "place"
    directory.mkdir()
    yield directory

    def nobody_left() -> bool:
        left = processes_of(directory)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not left

    until(nobody_left, "the test's processes to die")
