"""Start the job's command: as if from a clean login, with its output in a file."""

from __future__ import annotations

import contextlib
import os
import signal

from trainstop.shim.process_tree import RUN_DIR_MARK, Process, start_ticks_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from trainstop.rundir.layout import RunDir
    from trainstop.shim.spec import Spec


_GO = b"!"


class StartError(Exception):
    """The command can't be started. The message says what failed and the system's reason."""


def start_main(spec: Spec, run: RunDir, announce: Callable[[Process], None]) -> Process:
    """Start `spec.argv`, without a shell, in a session of its own. Returns when the program itself runs.

    `announce` is told who will be the program before it is: a shim killed in between (a program may be long
    in loading) must not leave a process that nobody can find. Before that, the process ends with its shim.
    stdin is empty; stdout and stderr are appended to `output.log`, a file, so that nobody's death breaks it.
    """
    environment = spec.env | {
        RUN_DIR_MARK: str(run.path),
        "TRAINSTOP_JOB_ID": spec.job_id,
        "TRAINSTOP_ATTEMPT": str(spec.attempt),
    }
    try:
        output = os.open(run.output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"The output can't be written: {_reason(error)}") from None
    try:
        # Closed by the exec that works; otherwise the child says on it what went wrong.
        reader, writer = os.pipe()
        may_go, go = os.pipe()
        pid = os.fork()
    except OSError as error:  # what is left open goes with this process, which has nothing else to do
        raise StartError(f"No process can be started: {_reason(error)}") from None
    if pid == 0:
        os.close(go)  # or the end of the shim would not be seen
        _become(spec, environment, output, writer, may_go)
    for descriptor in (output, writer, may_go):
        os.close(descriptor)
    process = Process(pid, start_ticks_of(pid))
    announce(process)
    with contextlib.suppress(BrokenPipeError):  # killed already
        os.write(go, _GO)
    os.close(go)
    with os.fdopen(reader, "rb") as answer:
        trouble = answer.read().decode(errors="replace")
    if trouble:
        os.waitpid(pid, 0)
        raise StartError(trouble)
    return process


def _become(spec: Spec, environment: dict[str, str], output: int, writer: int, may_go: int) -> NoReturn:
    """In the child. Every other descriptor closes itself on exec."""
    try:
        os.setsid()
        if os.read(may_go, 1) != _GO:
            os._exit(127)  # the shim is dead
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        try:
            os.chdir(spec.cwd)
        except (OSError, ValueError) as error:
            raise StartError(f"The directory {spec.cwd!r} can't be entered: {_reason(error)}") from None
        try:
            os.execvpe(spec.argv[0], spec.argv, environment)
        except (OSError, ValueError) as error:
            raise StartError(f"{spec.argv[0]!r} can't be started: {_reason(error)}") from None
    except BaseException as error:
        os.write(writer, str(error).encode(errors="replace")[:4000])
    finally:
        os._exit(127)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
