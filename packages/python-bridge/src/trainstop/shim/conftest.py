"""A real shim on a real run directory, with whatever it starts swept away at the end of the test."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trainstop.gpu.conftest import machine  # noqa: F401 - a fixture, for the tests here too
from trainstop.rundir.atomic_file import read_json, write_json_atomically
from trainstop.rundir.control import write_control
from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir
from trainstop.rundir.process_identity import identify
from trainstop.rundir.wake import WakeFile, poke
from trainstop.shim.job_cgroup import recorded_cgroup
from trainstop.shim.process_tree import Process, start_ticks_of

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand
    from trainstop.rundir.journal import Fact

WAIT_SECONDS = 60.0
"""What a test waits for an event that must come. Reached only when it doesn't."""

FAMILY = """
import os, signal, sys

def say(kind):
    hello = os.open(os.environ["HELLO"], os.O_WRONLY)
    # Not getpid: in a pid namespace of its own that is 1.
    os.write(hello, f"{kind} {os.readlink('/proc/self')}\\n".encode())
    os.close(hello)

def stay():
    while True:
        signal.pause()

def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

def orphaned():
    if os.fork():
        os._exit(0)

def daemonised():
    os.setsid()
    orphaned()
    os.chdir("/")
    for descriptor in range(3):
        os.close(descriptor)

def bare():  # a daemon that was started with an environment of its own
    daemonised()
    program = "import os, signal, sys; hello = os.open(sys.argv[1], os.O_WRONLY)"
    program += "; os.write(hello, b'bare %d\\\\n' % os.getpid())"
    program += "; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", program, os.environ["HELLO"]], {})

def stopped():
    say("stopped")
    os.kill(os.getpid(), signal.SIGSTOP)

def traced():
    import ctypes
    assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0  # PTRACE_TRACEME
    say("traced")
    os.kill(os.getpid(), signal.SIGSTOP)

def in_a_pid_namespace():
    import ctypes
    new_user = 0 if os.getuid() == 0 else 0x10000000
    assert ctypes.CDLL(None, use_errno=True).unshare(0x20000000 | new_user) == 0, "no new pid namespace"
    if os.fork():
        stay()

def dead():
    say("dead")
    os._exit(0)  # and nobody waits for it

KINDS = {
    "bare": bare,
    "stopped": stopped,
    "traced": traced,
    "in_a_pid_namespace": in_a_pid_namespace,
    "dead": dead,
    "plain": lambda: None,
    "setsid": os.setsid,
    "double_forked": orphaned,
    "daemonised": daemonised,
    "deaf": deaf,
}

for kind in sys.argv[2:]:
    if os.fork() == 0:
        KINDS[kind]()
        say(kind)
        stay()
if sys.argv[1] == "deaf":
    deaf()
elif sys.argv[1] == "telling":
    signal.signal(signal.SIGTERM, lambda *_: say("got_term"))
go = os.open(os.environ["GO"], os.O_RDWR)
say("main")
os._exit(int(os.read(go, 100)))
"""
"""A main process (obedient, deaf, or telling of its SIGTERM) with children of the kinds named. Each says that
it is there; the main process then waits to be told its exit code."""

CHILD_KINDS = ("plain", "setsid", "double_forked", "daemonised", "deaf")


class Attempt:
    """One attempt of a job, seen from the server's side."""

    def __init__(self, directory: Path, mark: str) -> None:
        directory.mkdir(parents=True)
        self.run = RunDir(directory)
        self.mark = mark
        self.hello = directory / "hello"
        self.go = directory / "go"
        self.server_wake = directory / "server.wake"
        self.met: list[Process] = []
        self.python: str | Path = sys.executable
        """What the shim is started with."""
        self._said = b""
        os.mkfifo(self.go)
        self._go = os.open(self.go, os.O_RDWR)
        self._hello = WakeFile(self.hello)
        self._wake = WakeFile(self.server_wake)

    def close(self) -> None:
        os.close(self._go)
        self._hello.close()
        self._wake.close()

    def family(self, *kinds: str, main: str = "obedient") -> list[str]:
        return [sys.executable, "-I", "-S", "-c", FAMILY, main, *kinds]

    def write_spec(self, argv: list[str], *, listens: bool = True, **changes: Any) -> None:
        """`listens`: as if a rank of it had come to `trainstop.run`, and left its file."""
        if listens:
            self.run.rank_journal(0).touch()
        spec = {
            "job_id": "job_test",
            "attempt": 1,
            "argv": argv,
            "cwd": "/",
            "env": {
                "PATH": os.environ["PATH"],
                "TRAINSTOP_TEST_MARK": self.mark,
                "HELLO": str(self.hello),
                "GO": str(self.go),
            },
            "server_wake": str(self.server_wake),
            "linger_seconds": 5,
            "resume": None,
        }
        write_json_atomically(self.run.spec, spec | changes)

    def launch(
        self, *, program: tuple[str, ...] = ("-m", "trainstop.shim")
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, "-I", *program, str(self.run.path)],
            env=os.environ | {"TRAINSTOP_TEST_MARK": self.mark},
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )

    def start(self, argv: list[str], **changes: Any) -> None:
        self.write_spec(argv, **changes)
        launched = self.launch()
        assert (launched.returncode, launched.stderr) == (0, "")

    def start_family(self, *kinds: str, main: str = "obedient", **changes: Any) -> dict[str, Process]:
        """Start a main process with these children; returns who they are, once all are there."""
        self.start(self.family(*kinds, main=main), **changes)
        return self.meet("main", *kinds)

    def meet(self, *names: str) -> dict[str, Process]:
        """Wait until everybody named has said that he is there. In any order."""
        met = {}
        waiting = select.poll()
        waiting.register(self._hello, select.POLLIN)
        ends = time.monotonic() + WAIT_SECONDS
        while True:
            *lines, self._said = self._said.split(b"\n")
            for line in lines:
                name, pid = line.decode().split()
                met[name] = Process(int(pid), start_ticks_of(int(pid)))
                self.met.append(met[name])
            if met.keys() >= set(names):
                return met
            left = ends - time.monotonic()
            assert left > 0, f"only {sorted(met)} came"
            if waiting.poll(left * 1000):
                self._said += os.read(self._hello.fileno(), 4096)

    def tell_main_to_exit(self, code: int) -> None:
        os.write(self._go, str(code).encode())

    def ask(self, poked: bool = True, **changes: Any) -> ControlCommand:
        """Put a command into force: by default a graceful cancel with nothing due for an hour."""
        now = time.time()
        command: ControlCommand = {
            "id": "cmd_1",
            "action": "cancel",
            "mode": "graceful",
            "created_at": now,
            "term_at": now + 3600,
            "deadline": now + 3600,
        }
        command.update(changes)  # type: ignore[typeddict-item]
        write_control(self.run.control, command)
        if poked:
            poke(self.run.shim_wake)
        return command

    def facts(self) -> list[Fact]:
        return read_facts(self.run.shim_journal, 0)[0]

    def told(self) -> list[str]:
        return [fact["type"] for fact in self.facts()]

    def fact(self, type_: str) -> Fact:
        """The one fact of this type."""
        [fact] = [fact for fact in self.facts() if fact["type"] == type_]
        return fact

    def wait_for(self, type_: str, **fields: Any) -> Fact:
        """Wait until the shim tells such a fact; returns it."""
        while True:
            self._wake.drain()
            for fact in self.facts():
                if fact["type"] == type_ and fields.items() <= fact.items():
                    return fact
            self._await_poke(f"no {type_}")

    def wait_for_exit(self) -> dict[str, Any]:
        """Wait until the shim is done and gone; returns the exit record."""
        wait_until_gone(self.shim)
        record = read_json(self.run.exit_record)
        assert record is not None, (self.facts(), self.run.shim_log.read_text())
        assert isinstance(record, dict)
        return record

    @property
    def shim(self) -> Process:
        identity = json.loads(self.run.shim_identity.read_text())
        return Process(identity["pid"], identity["start_ticks"])

    def _await_poke(self, complaint: str) -> None:
        waiting = select.poll()
        waiting.register(self._wake, select.POLLIN)
        assert waiting.poll(WAIT_SECONDS * 1000), (complaint, self.facts(), self.run.shim_log.read_text())


def is_there(process: Process) -> bool:
    identity = identify(process.pid)
    return identity is not None and identity["start_ticks"] == process.start_ticks


def wait_until(condition: Callable[[], bool]) -> None:
    """For what nobody announces: looks again and again."""
    ends = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < ends, "it never came to be"
        time.sleep(0.005)


def wait_until_gone(process: Process) -> None:
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if is_there(process):
            gone = select.poll()
            gone.register(handle, select.POLLIN)
            assert gone.poll(WAIT_SECONDS * 1000), f"{process} is still there"
    finally:
        os.close(handle)


def sweep(mark: str, met: list[Process]) -> None:
    """Kill everything that carries the mark, or that a test met, whatever state the test left it in."""
    while True:
        found = [pid for pid in _pids() if _carries(pid, mark)] + [p.pid for p in met if is_there(p)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def remove_cgroups(directory: Path) -> None:
    """Those of the jobs below, whose processes are dead by now; a shim that was killed removed none."""
    for journal in directory.glob("**/shim.jsonl"):
        with contextlib.suppress(OSError):
            for fact in read_facts(journal, 0)[0]:
                cgroup = recorded_cgroup(fact.get("cgroup"))
                if cgroup is not None:
                    wait_until(lambda cgroup=cgroup: not cgroup.is_populated())  # type: ignore[misc]
                    cgroup.remove()


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _carries(pid: int, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"TRAINSTOP_TEST_MARK={mark}".encode() in environment.split(b"\0")


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Attempt]:
    attempt = Attempt(tmp_path / "jobs" / "job_test" / "attempts" / "1", uuid.uuid4().hex)
    try:
        yield attempt
    finally:
        sweep(attempt.mark, attempt.met)
        remove_cgroups(tmp_path)
        attempt.close()
