"""From the control call to the process tree gone: Trainstop beside Ray Jobs, the same script, one run.

Each system runs `_stopped_script.py` again and again, one job at a time, in turns. The clock ends when the
kernel has said of each of the script's processes that it is gone (pidfd), and starts when the stop is sent:

- call: as a program does it (Trainstop: the control call; Ray: `JobSubmissionClient.stop_job`)
- command: as a person does it, the command's own start included (`trainstop stop`; `ray job stop`)
- stuck: the script ignores everything (Trainstop: `mode: force`; Ray: its stop kills after 3 s)

Ray is installed into an environment of its own in the user's cache.
`npm run bench -- ray_jobs [-- --stops 50]`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
SCRIPT = HERE / "_stopped_script.py"
RAY = "ray[default]==2.60.0"
WAIT_SECONDS = 120.0
GOAL = 5

Stop = Callable[[], None]
Start = Callable[[str, Path], Stop]
"""(case, file): starts a job that writes its processes to the file; returns what stops it in that case."""
CASES = {
    "call": "by a call",
    "command": "by a command",
    "stuck": "of a script that ignores everything, by a call",
}


def measure(start: Start, case: str, ready: Path) -> float:
    """Seconds."""
    stop = start(case, ready)
    ends = time.monotonic() + WAIT_SECONDS
    while not ready.exists():
        if time.monotonic() > ends:
            raise TimeoutError("The script was not started.")
        time.sleep(0.02)
    with contextlib.ExitStack() as stack:
        poll = select.poll()
        alive = set()
        for pid in ready.read_text().split():
            descriptor = os.pidfd_open(int(pid))
            stack.callback(os.close, descriptor)
            poll.register(descriptor, select.POLLIN)
            alive.add(descriptor)
        begin = time.perf_counter()
        stop()
        while alive:
            gone = poll.poll(WAIT_SECONDS * 1000)
            if not gone:
                raise TimeoutError("The script's processes did not end.")
            for descriptor, _ in gone:
                poll.unregister(descriptor)
                alive.discard(descriptor)
        return time.perf_counter() - begin


@contextlib.contextmanager
def trainstop_jobs(directory: Path) -> Iterator[Start]:
    config = directory / "trainstop.toml"
    config.write_text(
        f'[templates.stopped]\ncommand = ["{{python}}", "{SCRIPT}", "{{ready}}", "{{kind}}"]\n'
        '[templates.stopped.params.ready]\ntype = "string"\n'
        '[templates.stopped.params.kind]\ntype = "string"\n'
    )
    log = (directory / "trainstop.log").open("wb")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "trainstop.cli", "serve", "--port", "0"),
            *("--data", directory / "data", "--config", config),
        ],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().rpartition(" ")[2].strip()
        headers = {"Authorization": f"Bearer {(directory / 'data' / 'token').read_text().strip()}"}
        with httpx.Client(base_url=url, headers=headers, timeout=WAIT_SECONDS) as client:

            def start(case: str, ready: Path) -> Stop:
                params = {"ready": str(ready), "kind": "stuck" if case == "stuck" else "obeys"}
                answer = client.post("/jobs", json={"template": "stopped", "params": params})
                job_id = answer.raise_for_status().json()["job"]["id"]
                if case == "command":
                    data = str(directory / "data")
                    return _command(sys.executable, "-m", "trainstop.cli", "stop", job_id, "--data", data)
                body = {"action": "cancel", "mode": "force" if case == "stuck" else "graceful"}
                return lambda: _done(client.post(f"/local/{job_id}/control", json=body))

            yield start
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(WAIT_SECONDS)
        log.close()


@contextlib.contextmanager
def ray_jobs(directory: Path) -> Iterator[Start]:
    environment = _ray_environment()
    port, dashboard = _free_port(), _free_port()
    ray = [environment / "bin" / "python", "-m", "ray.scripts.scripts"]
    quiet = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}
    start_head = [
        *(*ray, "start", "--head", "--num-cpus=4", f"--port={port}", f"--temp-dir={directory / 'ray'}"),
        *("--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"),
    ]
    subprocess.run(start_head, env=quiet, check=True, capture_output=True, timeout=WAIT_SECONDS)
    try:
        client = subprocess.Popen(
            [environment / "bin" / "python", HERE / "_ray_client.py", f"http://127.0.0.1:{dashboard}"],
            env=quiet,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

        def ask(*what: Any) -> Any:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(json.dumps(what) + "\n")
            client.stdin.flush()
            return json.loads(client.stdout.readline())

        assert client.stdout is not None
        json.loads(client.stdout.readline())

        def start(case: str, ready: Path) -> Stop:
            # A shell line, as Ray takes it; `exec` spares Ray's shell from being one process more to stop.
            line = f"exec {sys.executable} {SCRIPT} {ready} {'stuck' if case == 'stuck' else 'obeys'}"
            job_id = ask("submit", line, {"HOME": str(directory)})
            if case == "command":
                address = f"http://127.0.0.1:{dashboard}"
                return _command(*ray, "job", "stop", "--no-wait", "--address", address, job_id)
            return lambda: ask("stop", job_id, None)

        yield start
        client.kill()
        client.communicate()
    finally:
        subprocess.run([*ray, "stop", "--force"], env=quiet, check=False, capture_output=True)


def _command(*command: str | Path) -> Stop:
    """Starts it and does not wait: the clock watches the script's processes alone."""

    def stop() -> None:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Thread(target=process.wait, daemon=True).start()

    return stop


def _done(answer: httpx.Response) -> None:
    answer.raise_for_status()


def _ray_environment() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment = cache / "trainstop" / f"bench-{RAY.replace('[default]==', '-')}"
    done = environment / "installed"
    if not done.exists():
        print(f"Installing {RAY} into {environment} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", RAY]
        subprocess.run(pip, check=True, capture_output=True)
        done.touch()
    return environment


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def quantile(samples: list[float], share: float) -> float:
    """Milliseconds."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)) - 1)] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=50)
    stops = parser.parse_args().stops
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        systems = {"trainstop": stack.enter_context(trainstop_jobs(directory))}
        try:
            systems["ray jobs"] = stack.enter_context(ray_jobs(directory))
        except (subprocess.SubprocessError, OSError) as error:
            print(f"Ray can't be installed or started here, so Trainstop is measured alone: {error}")
        samples = {case: {system: list[float]() for system in systems} for case in CASES}
        for number in range(stops):
            for case, by_system in samples.items():
                for system, times in by_system.items():
                    ready = directory / f"{case}-{system.replace(' ', '-')}-{number}.ready"
                    times.append(measure(systems[system], case, ready))
            print(f"\r{number + 1} of {stops} stops each", end="", file=sys.stderr)
        print(file=sys.stderr)
    print(f"{stops} stops each, from the control call to the process tree gone, milliseconds:")
    for case, by_system in samples.items():
        print(f"{CASES[case]:50}{'p50':>8}{'p90':>8}{'max':>8}")
        for system, times in by_system.items():
            print(f"  {system:48}" + "".join(f"{quantile(times, share):8.0f}" for share in (0.5, 0.9, 1.0)))
        if "ray jobs" in by_system:
            shares = [
                quantile(by_system["trainstop"], share) / quantile(by_system["ray jobs"], share)
                for share in (0.5, 0.9)
            ]
            print(f"  {f'share of Ray Jobs (goal: under {1 / GOAL})':48}{shares[0]:8.2f}{shares[1]:8.2f}")


main()
