"""From a command line to a daemon that supervises one attempt, exactly one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys

from trainstop.rundir.atomic_file import write_json_atomically
from trainstop.rundir.journal import Journal
from trainstop.rundir.layout import RunDir
from trainstop.rundir.process_identity import identify
from trainstop.rundir.wake import WakeFile
from trainstop.shim.facts import Facts
from trainstop.shim.spec import SpecError, read_spec
from trainstop.shim.supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from trainstop.shim.spec import Spec

# What the started process exits with. Anything but SUPERVISED: nothing was started, the reason is on stderr.
SUPERVISED = 0
FAILED = 1
MISUSED = 2
TAKEN = 3

_READY = b"ready"

_IGNORED = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)


class LaunchError(Exception):
    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def launch(arguments: list[str]) -> int:
    """Supervise the run directory named by the one argument; returns an exit code when that is settled.

    SUPERVISED: the shim lives on its own, `shim.json` says who it is and `shim.wake` listens. The command is
    started after that. TAKEN: this attempt has a shim, or had one; an attempt is started once.
    """
    try:
        if len(arguments) != 1:
            raise LaunchError(MISUSED, "Say which run directory: python -I -m trainstop.shim RUN_DIR")
        if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112
            raise LaunchError(FAILED, "The shim needs Linux's /proc, to tell one process from another.")
        return _launch(RunDir(os.path.realpath(arguments[0])))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.code


def _launch(run: RunDir) -> int:
    _shed_inheritance()
    _take(run)
    try:
        spec = read_spec(run.spec)
    except SpecError as error:
        raise LaunchError(FAILED, str(error)) from None
    reader, writer = os.pipe()
    if os.fork() == 0:
        _be_the_shim(run, spec, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read()
    if said != _READY:
        raise LaunchError(FAILED, said.decode(errors="replace") or "The shim died before it could start.")
    return SUPERVISED


def _shed_inheritance() -> None:
    """Keep nothing of whoever started us: no descriptor, no signal meant for them."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    inherited = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names only
    for descriptor in inherited:
        if descriptor > 2:
            with contextlib.suppress(OSError):  # the listing's own is closed already
                os.close(descriptor)
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # started with stdin, stdout or stderr closed: later files must not land there
    os.close(descriptor)


def _take(run: RunDir) -> None:
    """Hold the lock for as long as this process or the shim lives."""
    try:
        lock = os.open(run.shim_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LaunchError(TAKEN, f"Another shim supervises {run.path}; nothing was started.") from None
    except OSError as error:
        raise LaunchError(FAILED, f"{run.shim_lock} can't be locked: {error.strerror}") from None
    if run.shim_identity.exists() or run.exit_record.exists():
        raise LaunchError(
            TAKEN, f"{run.path} was started before, and an attempt is started only once; make a new attempt."
        )


def _be_the_shim(run: RunDir, spec: Spec, writer: int) -> NoReturn:
    code = FAILED
    try:
        os.setsid()
        os.chdir("/")  # hold no file system that somebody may want to unmount
        try:
            wake = WakeFile(run.shim_wake)
            facts = Facts(run, Journal(run.shim_journal), spec.server_wake)
            supervisor = Supervisor(run, spec, facts, wake)
            log = os.open(run.shim_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            write_json_atomically(run.shim_identity, identify(os.getpid()))
        except OSError as error:
            os.write(writer, f"The shim can't start in {run.path}: {error}".encode(errors="replace"))
            raise
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.close(nothing)
        os.close(log)
        os.write(writer, _READY)
        os.close(writer)
        supervisor.supervise()
        run.shim_wake.unlink(missing_ok=True)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)
