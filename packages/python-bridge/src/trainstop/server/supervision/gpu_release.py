"""Whether a run's GPUs are free, measured by the server, where the shim died before it could."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

from trainstop.gpu.driver import NO_DRIVER, has_driver
from trainstop.gpu.holding import Holding
from trainstop.gpu.probe import ask_driver
from trainstop.gpu.release import AGAIN_SECONDS, Release
from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import now, unix_seconds
from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir
from trainstop.rundir.process_identity import boot_id
from trainstop.server.supervision.journals import SHIM_JOURNAL, SUPERVISOR_JOURNAL

log = logging.getLogger("trainstop.server.supervision")

_NEVER_SEEN = (
    "The run's shim died before NVIDIA's driver had listed a process of the run, so its lists prove nothing."
)


def measure_release(run: RunDir, stopping: threading.Event) -> dict[str, Any] | None:
    """The fields of a `resources` fact, once no process of the run is left; None when the shim told one.

    What the run held is known from the shim's `gpu_seen`. Blocks for about `RELEASE_SECONDS` at most; a
    server that stops gets None, too, and leaves it to the next one.
    """
    try:
        if _is_of_another_boot(run):
            return _not_measured("The machine was restarted since, which leaves nothing on a GPU.")
        return _measured(run, stopping)
    except OSError as error:
        return _not_measured(f"What the run held is not known, as its shim's journal can't be read: {error}.")


def _measured(run: RunDir, stopping: threading.Event) -> dict[str, Any] | None:
    seen: Holding | None = None
    delivered_at: str | None = None
    for name in (SHIM_JOURNAL, SUPERVISOR_JOURNAL):
        for fact in _all_facts(run, name):
            if fact["type"] == "resources":
                return None
            if fact["type"] == "delivered":
                delivered_at = fact["at"]
            elif fact["type"] == "gpu_seen" and name == SHIM_JOURNAL:
                seen = _restored(fact) or seen
    if seen is None or not seen.devices:
        return _not_measured(_NEVER_SEEN if has_driver() else NO_DRIVER)
    release = Release(seen, None if delivered_at is None else _seconds_since(delivered_at))
    while release.verdict is None:
        answer = ask_driver(stopping.is_set)
        if stopping.is_set():
            return None
        release.hear(answer)
        if release.verdict is None:
            stopping.wait(AGAIN_SECONDS)
    return release.verdict


def _not_measured(detail: str) -> dict[str, Any]:
    return {"state": "not_measured", "detail": detail}


def _is_of_another_boot(run: RunDir) -> bool:
    try:
        identity = read_json(run.shim_identity)
    except ValueError:
        return False
    return isinstance(identity, dict) and identity.get("boot_id") != boot_id()


def _all_facts(run: RunDir, name: str) -> Iterator[dict[str, Any]]:
    end, begin = 0, -1
    while end != begin:
        begin = end
        facts, end = read_facts(run.path / name, begin)
        yield from facts


def _restored(fact: dict[str, Any]) -> Holding | None:
    try:
        return Holding.restored(fact)
    except (LookupError, TypeError, ValueError) as error:
        log.warning("passed over a broken fact %.200r: %r", fact, error)
        return None


def _seconds_since(moment: str) -> float | None:
    try:
        return max(0.0, now() - unix_seconds(moment))
    except ValueError:
        return None
