"""A launched process to try things on: a real run directory, a real script, driven a line at a time."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainstop.rundir.atomic_file import write_json_atomically
from trainstop.rundir.clock import now
from trainstop.rundir.control import write_control
from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir
from trainstop.rundir.wake import WakeFile, poke

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from trainstop.rundir.control import ControlCommand, Mode
    from trainstop.rundir.journal import Fact

PATIENCE_SECONDS = 60.0
"""Only how long a broken test takes to fail; nothing that works waits for it."""

# Evaluates one expression a line, inside `with trainstop.run(…) as run:`.
PUPPET = """
import json, os, signal, sys, threading, time
from pathlib import Path
import trainstop

def save(step, content="weights", **named):
    with run.checkpoint(step=step, **named) as path:
        (path / "weights.bin").write_text(content)

exec(sys.argv[2])
with trainstop.run(**json.loads(sys.argv[1])) as run:
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        if line == "leave\\n":
            break
        print(json.dumps(repr(eval(json.loads(line)))), flush=True)
print(json.dumps("left"), flush=True)
for line in sys.stdin:
    print(json.dumps(repr(eval(json.loads(line)))), flush=True)
"""


class Launched:
    """One attempt of one job: its run directory, and the process a shim would have started."""

    def __init__(
        self,
        data_dir: Path,
        arguments: list[str],
        *,
        attempt: int = 1,
        resume: Path | None = None,
        best: dict[str, str] | None = None,
        command: ControlCommand | None = None,
        environment: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.run_dir = RunDir.of(data_dir, "job_1", attempt)
        self.run_dir.path.mkdir(parents=True)
        self.server_wake = WakeFile(data_dir / "server.wake")
        write_json_atomically(
            self.run_dir.spec,
            {
                "job_id": "job_1",
                "attempt": attempt,
                "server_wake": str(data_dir / "server.wake"),
                "best": best,
                "resume": {"checkpoint_id": resume.name, "path": str(resume)} if resume else None,
            },
        )
        write_control(self.run_dir.control, command)
        self.environment = {
            **os.environ,
            "TRAINSTOP_RUN_DIR": str(self.run_dir.path),
            "TRAINSTOP_JOB_ID": "job_1",
            "TRAINSTOP_ATTEMPT": str(attempt),
            **(environment or {}),
        }
        self.arguments = arguments
        self.cwd = cwd
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        with (self.run_dir.path / "stderr").open("a") as stderr:
            return subprocess.Popen(
                [sys.executable, *self.arguments],
                env=self.environment,
                cwd=self.cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    def facts(self, type_: str | None = None) -> list[Fact]:
        found, _ = read_facts(self.run_dir.rank_journal(0), 0, limit=1 << 30)
        return [fact for fact in found if type_ is None or fact["type"] == type_]

    def wait_for(self, type_: str, count: int = 1, **fields: object) -> Fact:
        """The `count`th fact of this type with these fields, as soon as it is written."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.server_wake.drain()
            exited = self.process.poll() is not None
            found = [f for f in self.facts(type_) if all(f[name] == fields[name] for name in fields)]
            if len(found) >= count:
                return found[count - 1]
            if exited or time.monotonic() > until:
                pytest.fail(f"no {type_} {fields}; there were {self.facts()}\n{self.complaints()}")
            # Metrics and progress wake nobody: they are looked for now and then.
            select.select([self.server_wake], [], [], 0.05)

    def order(self, command: ControlCommand | None) -> None:
        """Put a command in force and wake the process, as server and shim do."""
        write_control(self.run_dir.control, command)
        poke(self.run_dir.rank_wake(0))

    def complaints(self) -> str:
        return (self.run_dir.path / "stderr").read_text()

    def end(self) -> int:
        """The exit code of a process that is about to end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """Kill what still runs, and close this side of everything."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.server_wake.close()


class Puppet:
    """Drives PUPPET: `do` evaluates an expression inside its `with trainstop.run(…) as run:`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert self._answer() == "ready"

    def do(self, expression: str) -> str:
        """The repr of the expression's value."""
        self.say(expression)
        return self._answer()

    def say(self, expression: str) -> None:
        """Let it begin with an expression that may take long; `answer` waits for its value."""
        self._say(json.dumps(expression))

    def answer(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        assert ready, "no answer"
        return self._answer()

    def has_answered(self) -> bool:
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def until(self, expression: str, value: str = "True") -> None:
        """Ask until the answer is this."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (seen := self.do(expression)) != value:
            assert time.monotonic() < end, f"{expression} stayed {seen}"
            time.sleep(0.005)

    def leave(self) -> None:
        """End the `with` block; `do` still works after it."""
        self._say("leave")
        assert self._answer() == "left"

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        answer = json.loads(line)
        assert isinstance(answer, str)
        return answer


class LaunchedPuppet(Launched, Puppet):
    def __init__(
        self, data_dir: Path, before: str = "", arguments: dict[str, Any] | None = None, **more: Any
    ):
        Launched.__init__(self, data_dir, ["-c", PUPPET, json.dumps(arguments or {}), before], **more)
        Puppet.__init__(self, self.process)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[LaunchPuppet]:
    """Start puppets in run directories below `tmp_path`; what is left of them is killed in the end."""
    started: list[LaunchedPuppet] = []

    def start(before: str = "", arguments: dict[str, Any] | None = None, **more: Any) -> LaunchedPuppet:
        puppet = LaunchedPuppet(tmp_path, before, arguments, **more)
        started.append(puppet)
        return puppet

    yield start
    for puppet in started:
        puppet.close()


def order(
    action: Literal["cancel", "pause"] = "cancel",
    *,
    id: str = "cmd_1",
    mode: Mode = "graceful",
    deadline: float = 3600.0,
) -> ControlCommand:
    """A command given now; `deadline` in seconds from now."""
    return {
        "id": id,
        "action": action,
        "mode": mode,
        "created_at": now(),
        "term_at": now() + deadline * 0.75 if action == "cancel" else None,
        "deadline": now() + deadline,
    }


if TYPE_CHECKING:
    from collections.abc import Callable

    LaunchPuppet = Callable[..., LaunchedPuppet]
