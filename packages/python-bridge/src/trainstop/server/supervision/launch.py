"""One shim for an attempt, never two."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainstop.rundir.atomic_file import write_json_atomically
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.control import write_control
from trainstop.rundir.layout import RunDir
from trainstop.shim.launch import FAILED, MISUSED, SUPERVISED

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

HANDSHAKE_SECONDS = 30.0
"""How long a shim may take to say that it holds the attempt; it takes a fraction of one second."""


class LaunchFailedError(Exception):
    """No shim holds the attempt and none will: nothing was started. The message is one plain sentence."""


class LaunchUnsettledError(Exception):
    """A shim may hold the attempt or be about to. Try again: the run directory's lock admits only one."""


def launch(
    run: RunDir, spec: Mapping[str, Any], control: ControlCommand | None, stopping: threading.Event
) -> None:
    """Returns when a shim holds the attempt, started now or by a server that died before it could note so.

    Blocks for a Python start. `stopping` cuts the wait short, with LaunchUnsettledError. Raises OSError when
    the run directory can't be written or no process started; there is no shim then.
    """
    try:
        if has_shim(run):
            return
    except OSError as error:
        raise LaunchUnsettledError(f"it can't be seen whether a shim holds the attempt: {error}") from error
    run.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    run.checkpoints.mkdir(mode=0o700, exist_ok=True)
    write_json_atomically(run.spec, spec)
    write_control(run.control, control)
    code, sentence = _start_shim(run.path, spec["env"], stopping)
    if code in (FAILED, MISUSED):
        raise LaunchFailedError(sentence or f"The shim ended with {code} and gave no reason.")
    if code != SUPERVISED and not has_shim(run):
        raise LaunchUnsettledError(sentence or f"the shim's launcher ended with {code}")


def give_up(run: RunDir, why: str) -> bool:
    """Settle that no shim holds this attempt nor ever will; False when one does, or is just being started.

    Its lock, free, proves the first; an exit record keeps a late launcher from the second. Raises OSError.
    """
    lock = os.open(run.shim_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if has_shim(run):
            return False
        nothing_ran = {"exit_code": None, "signal": None, "main_exited_at": None}
        record = {**nothing_ran, "error": why, "tree_gone_at": rfc3339(now())}
        write_json_atomically(run.exit_record, record)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def has_shim(run: RunDir) -> bool:
    """Whether a shim holds this attempt or once did: it is never started again."""
    return run.shim_identity.exists() or run.exit_record.exists()


def _start_shim(run_dir: Path, environment: Mapping[str, str], stopping: threading.Event) -> tuple[int, str]:
    # A file and no pipe: the shim outlives the launcher, and a pipe would be held open by it.
    with tempfile.TemporaryFile() as complaint:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", "trainstop.shim", str(run_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaint,
            cwd="/",
            # The job's own, free of the server's secrets: anyone who may read the job may read this.
            env=environment,
            start_new_session=True,  # Ctrl-C in the server's terminal is not meant for it
        )
        ends = time.monotonic() + HANDSHAKE_SECONDS
        while True:
            try:
                code = process.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                if stopping.is_set() or time.monotonic() >= ends:
                    process.kill()
                    process.wait()
                    raise LaunchUnsettledError(
                        "the shim has not yet said whether it holds the attempt"
                    ) from None
        complaint.seek(0)
        lines = complaint.read(65536).decode(errors="replace").strip().splitlines()
        return code, lines[-1] if lines else ""
