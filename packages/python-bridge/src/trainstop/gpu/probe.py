"""A process that asks the driver once. It can be left alone, looked after, and killed.

A broken driver can hang whoever asks it, even unkillably, so nobody asks in his own process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Answer = dict[str, Any]

ANSWER_SECONDS = 15.0
"""How long the driver may take. Well under one second when the GPU is in use; without NVIDIA's persistence
daemon, several when nobody uses it, as it is then woken for the question."""

COMMAND = ("-I", "-m", "trainstop.gpu")

NO_ANSWER = f"NVIDIA's driver gave no answer in {ANSWER_SECONDS:g} s."

_MOST_BYTES = 1 << 20
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")
"""What the probe gets of our environment: enough to find the driver's library, and nothing that would make
it look like a process of the run."""


class Probe:
    """Starting it raises OSError. `fileno` becomes readable as the answer comes."""

    def __init__(self) -> None:
        self.begun_at = time.monotonic()
        self.reaped = False
        """Set by whoever waited for it: from then on its pid may be another's."""
        self._said = b""
        self._reader, writer = os.pipe()
        try:
            self.pid = os.posix_spawn(
                sys.executable,
                [sys.executable, *COMMAND],
                {name: os.environ[name] for name in _KEPT if name in os.environ},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, writer, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setpgroup=0,
                setsigdef=[*signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}],
                setsigmask=[],
            )
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)
        os.set_blocking(self._reader, False)

    def fileno(self) -> int:
        return self._reader

    def answer(self) -> Answer | None:
        """None while there is none. One that takes too long is given up, and its process killed."""
        try:
            while len(self._said) <= _MOST_BYTES:
                more = os.read(self._reader, 1 << 16)
                if not more:
                    return parse(self._said)
                self._said += more
        except BlockingIOError:
            if time.monotonic() < self.begun_at + ANSWER_SECONDS:
                return None
            self.kill()
            return {"unavailable": NO_ANSWER, "for_good": False}
        self.kill()
        return parse(b"")

    @property
    def ends_in(self) -> float:
        """Seconds until it is given up."""
        return max(0.0, self.begun_at + ANSWER_SECONDS - time.monotonic())

    def kill(self) -> None:
        if not self.reaped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        os.close(self._reader)


def parse(said: bytes) -> Answer:
    """What a probe printed, checked: whatever it was, the result is an answer as `nvml.ask` gives it."""
    try:
        answer = json.loads(said)
        if isinstance(answer, dict) and "unavailable" in answer:
            return {"unavailable": str(answer["unavailable"]), "for_good": answer.get("for_good") is True}
        for device in answer["devices"]:
            for process in device["processes"]:
                if type(process["pid"]) is not int or not _is_size(process["used_bytes"]):
                    raise ValueError
            sizes = (device["used_bytes"], device["total_bytes"])
            if (
                not all(map(_is_size, sizes))
                or not {"uuid", "index", "mig", "name", "error"} <= device.keys()
            ):
                raise ValueError
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        sentence = "The question to NVIDIA's driver ended without an answer that makes sense."
        return {"unavailable": sentence, "for_good": False}
    return dict(answer)


def ask_driver(given_up: Callable[[], bool] = lambda: False) -> Answer:
    """Ask once and wait for the answer, at most `ANSWER_SECONDS`; less when `given_up` says so. Raises
    nothing."""
    for pid in list(_unburied):
        _bury(pid)
    try:
        probe = Probe()
    except OSError as error:
        return {"unavailable": f"No process can be started: {error.strerror}.", "for_good": False}
    try:
        while (answer := probe.answer()) is None:
            if given_up():
                probe.kill()
                return {"unavailable": NO_ANSWER, "for_good": False}
            time.sleep(_LOOK_SECONDS)
        return answer
    finally:
        probe.close()
        _bury(probe.pid)


_LOOK_SECONDS = 0.02
_unburied: set[int] = set()


def _bury(pid: int) -> None:
    """Wait for a dead child; one that hangs in the kernel is left for the next time."""
    _unburied.add(pid)
    for _ in range(50):
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                time.sleep(_LOOK_SECONDS)
                continue
        except ChildProcessError:
            pass
        _unburied.discard(pid)
        return


def _is_size(value: object) -> bool:
    return value is None or type(value) is int
