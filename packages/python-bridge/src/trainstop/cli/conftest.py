"""`trainstop serve` as a process, and what runs under it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

WAIT_SECONDS = 90.0
"""What a test waits for what must come. Reached only when it doesn't."""

SCRIPT = """
import os, pathlib, time, trainstop
with trainstop.run(total_steps=10**9) as run:
    step = 0
    while True:
        step += 1
        time.sleep(0.01)
        turn = run.end_step(step)
        if turn.save:
            with run.checkpoint(step=step) as path:
                (pathlib.Path(path) / "weights").write_bytes(b"w")
        if turn.stop:
            break
"""
CONFIG = """
[templates.steps]
title = "Steps"
command = ["{python}", "steps.py"]
"""


class Server:
    """`trainstop serve` as a process."""

    def __init__(self, data_dir: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "trainstop.cli",
                "serve",
                "--port",
                "0",
                "--data",
                str(data_dir),
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.url = ""

    def ready(self) -> Server:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        prefix = "Trainstop server: "
        assert line.startswith(prefix), f"{line!r} {self.process.communicate()[1]}"
        self.url = line.removeprefix(prefix).strip()
        return self

    def refused(self) -> str:
        """Waits for it to give up; its one sentence."""
        out, error = self.process.communicate(timeout=WAIT_SECONDS)
        assert (self.process.returncode, out) == (1, ""), error
        return error.removeprefix("trainstop: ").strip()

    def client(self) -> httpx.Client:
        token = (self.data_dir / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=WAIT_SECONDS)

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[str, str]:
        """(rest of stdout, stderr)"""
        self.process.send_signal(how)
        return self.process.communicate(timeout=WAIT_SECONDS)


@contextlib.contextmanager
def serving_in(directory: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers; whatever they started is killed at the end."""
    (directory / "steps.py").write_text(SCRIPT)
    (directory / "trainstop.toml").write_text(CONFIG)
    servers: list[Server] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> Server:
        config = ("--config", str(directory / "trainstop.toml"))
        servers.append(Server(directory / "data", *config, *arguments, env=env))
        return servers[-1]

    try:
        yield start
    finally:
        for server in servers:
            server.process.kill()
            server.process.communicate()
        while left := processes_naming(directory):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    with serving_in(tmp_path) as start:
        yield start


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Place:
    """A server that works, and someone at a command line beside it."""

    def __init__(self, directory: Path, server: Server) -> None:
        self.directory = directory
        self.server = server
        self.data = ("--data", str(server.data_dir))

    def say(self, command: str, *arguments: str, **environment: str) -> Said:
        """A command in a process of its own, its output in pipes."""
        argv = [sys.executable, "-m", "trainstop.cli", command, *self.data, *arguments]
        done = subprocess.run(
            argv,
            cwd=self.directory,
            env={**CLEAN, **environment},
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def terminal(self, command: str, *arguments: str, columns: int = 120, **environment: str) -> Terminal:
        """A command at a terminal."""
        argv = [sys.executable, "-m", "trainstop.cli", command, *self.data, *arguments]
        return Terminal(argv, self.directory, {**CLEAN, "TERM": "xterm-256color", **environment}, columns)

    def start(self) -> str:
        """Id of a job that is running and has taken steps."""
        with self.server.client() as client:
            job_id = start_job(client)
            job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 0)
        return job_id

    def job(self, job_id: str, done: Callable[[dict[str, Any]], bool] = lambda job: True) -> dict[str, Any]:
        with self.server.client() as client:
            return job_when(client, job_id, done)

    def force(self, job_id: str) -> None:
        with self.server.client() as client:
            wait = {"Prefer": "wait=60"}
            client.post(f"/cancel/{job_id}", json={"mode": "force"}, headers=wait)


CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("TRAINSTOP_", "LC_"))} | {
    "LANG": "C.UTF-8"
}
for _name in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR"):
    CLEAN.pop(_name, None)


class Terminal:
    """A command that believes that a person sits before it."""

    def __init__(self, argv: list[str], directory: Path, environment: dict[str, str], columns: int) -> None:
        self.shown = ""
        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            # The first terminal that the leader of a session opens is its own: Ctrl-C then works.
            ["sh", "-c", 'exec "$@" <>"$0" >&0 2>&1', os.ttyname(theirs), *argv],
            cwd=directory,
            env=environment,
            stdin=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """Everything shown until then; what was typed counts."""
        while text not in self.shown:
            assert self._read(), f"ended without {text!r}: {self.shown!r}"
        return self.shown

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def end(self) -> Said:
        while self._read():
            pass
        os.close(self._fd)
        return Said(self.process.wait(WAIT_SECONDS), self.shown, "")

    def _read(self) -> bool:
        ready = select.select([self._fd], [], [], WAIT_SECONDS)[0]
        assert ready, f"nothing more came: {self.shown!r}"
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("place")
    with serving_in(directory) as start:
        yield Place(directory, start().ready())


def processes_naming(directory: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                if os.fsencode(directory) in told:
                    found.append(int(entry.name))
    return found


def job_when(client: httpx.Client, job_id: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        job: dict[str, Any] = client.get(f"/jobs/{job_id}").json()["job"]
        if done(job):
            return job
        assert time.monotonic() < ends, job
        time.sleep(0.02)


def start_job(client: httpx.Client) -> str:
    return str(client.post("/jobs", json={"template": "steps"}).json()["job"]["id"])
