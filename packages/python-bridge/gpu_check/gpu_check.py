"""The whole stop on a real GPU, three ways, with what our receipt says beside what somebody else reads.

Exit code: 0, every GPU came free and the receipts say so; 1, not; 2, there is no GPU here that can be asked.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from independent_reading import Reading, read, source

from trainstop.gpu.measurable import what_can_be_measured

HERE = Path(__file__).parent
CASES = {
    "graceful": ("hold", "graceful", "a graceful stop"),
    "force": ("hold", "force", "a forced stop"),
    "daemon": (
        "daemon",
        "graceful",
        "a graceful stop of a run whose daemon holds the GPU and ignores SIGTERM",
    ),
}
START_SECONDS = 120.0
"""What a run may take to hold its memory: torch takes long to import."""
SEEN_SECONDS = 40.0
"""What our shim may take to see it: it asks 5, 15 and 35 seconds after the start."""
END_SECONDS = 180.0
FREE_SECONDS = 30.0
"""How long a GPU is watched beyond the end of its run."""
BACK_BYTES = 64 << 20
"""Memory is back when it is no more than this above what it was: the driver's own varies."""
SAME_SHARE = 0.1
"""By which two readings of the same memory may differ."""


@dataclass
class Outcome:
    before: Reading
    during: Reading
    after: Reading
    ended_after: float
    free_after: float | None
    status: str
    receipt: dict[str, Any]
    held_bytes: int | None
    """By the shim's sight."""
    pids: set[int]

    @property
    def read_bytes(self) -> int:
        """By the other reading: the run's processes, or, where it names none, the device's growth."""
        listed = sum(self.during.processes[pid] for pid in self.pids)
        return listed or sum(self.during.used_bytes.values()) - sum(self.before.used_bytes.values())

    def complaints(self) -> list[str]:
        found = []
        if self.status != "cancelled":
            found.append(f"the run ended as {self.status}")
        if self.free_after is None:
            found.append("the GPU did not come free")
        if self.receipt["state"] != "done":
            found.append(f"our receipt is {self.receipt['state']}")
        if (self.receipt["state"] == "done") != (self.free_after is not None):
            found.append("receipt and reading contradict each other")
        sizes = (self.held_bytes, self.read_bytes)
        if self.held_bytes and abs(self.held_bytes - self.read_bytes) > SAME_SHARE * max(self.held_bytes, 1):
            found.append(f"we saw {mib(sizes[0])} held, {source()} {mib(sizes[1])}")
        return found


def mib(size: int | None) -> str:
    return "?" if size is None else f"{size / (1 << 20):,.0f} MiB"


def until(look: Any, seconds: float, what: str) -> Any:
    ends = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() >= ends:
            raise SystemExit(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(0.1)


@contextmanager
def server(directory: Path, python: str, size: int) -> Iterator[tuple[httpx.Client, Path]]:
    import trainstop

    commands = {"hold": [], "daemon": ["daemon"]}
    script = str(HERE / "hold_gpu.py")
    # The run's interpreter may be another (one with torch), in which trainstop is not installed.
    environment = {"PYTHONPATH": str(Path(trainstop.__file__).parents[1])}
    (directory / "trainstop.toml").write_text(
        "".join(
            f"[templates.{name}]\ncommand = {json.dumps([python, script, str(size >> 20), *more])}\n"
            f"env = {{ PYTHONPATH = {json.dumps(environment['PYTHONPATH'])} }}\n"
            for name, more in commands.items()
        )
    )
    data = directory / "data"
    command = [sys.executable, "-m", "trainstop.cli", "serve", "--port", "0", "--data", str(data)]
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--config", str(directory / "trainstop.toml")],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().rpartition(" ")[2].strip()
            if not url:
                raise SystemExit(f"The server could not start:\n{(directory / 'server.log').read_text()}")
            headers = {"Authorization": f"Bearer {(data / 'token').read_text().strip()}"}
            with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
                yield client, data
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def stop(client: httpx.Client, data: Path, template: str, mode: str, size: int) -> Outcome:
    before = read()
    job_id = client.post("/jobs", json={"template": template}).raise_for_status().json()["job"]["id"]

    def job() -> dict[str, Any]:
        told: dict[str, Any] = client.get(f"/jobs/{job_id}").raise_for_status().json()["job"]
        return told

    run = data / "jobs" / job_id / "attempts" / "1"

    def holding() -> bool:
        told = job()
        if told["ended_at"] is not None:
            output = (run / "output.log").read_text(errors="replace")
            raise SystemExit(
                f"The run could not take memory of the GPU ({told['status']}):\n{output[-2000:]}"
            )
        return sum(read().used_bytes.values()) >= sum(before.used_bytes.values()) + size // 2

    until(holding, START_SECONDS, "the run to hold memory of the GPU")
    ends = time.monotonic() + SEEN_SECONDS
    while not (held := seen_bytes(run)) and time.monotonic() < ends:
        time.sleep(0.1)
    during = read()
    pids = set(during.processes) - set(before.processes)

    asked_at = time.monotonic()
    client.post(f"/cancel/{job_id}", json={"mode": mode}).raise_for_status()
    free_after = ended_after = None
    while free_after is None or ended_after is None:
        after, now = read(), time.monotonic() - asked_at
        back = sum(after.used_bytes.values()) <= sum(before.used_bytes.values()) + BACK_BYTES
        if free_after is None and back and not pids & set(after.processes):
            free_after = now
        told = job()
        if ended_after is None and told["ended_at"] is not None:
            ended_after = time.monotonic() - asked_at
        if now > (END_SECONDS if ended_after is None else ended_after + FREE_SECONDS):
            break
        time.sleep(0.05)
    if ended_after is None:
        raise SystemExit(f"The run did not end within {END_SECONDS:.0f} s.")
    receipts = {each["stage"]: each for each in told["last_command"]["receipts"]}
    return Outcome(
        before, during, read(), ended_after, free_after, told["status"], receipts["resources_released"],
        seen_bytes(run) or held, pids,
    )  # fmt: skip


def seen_bytes(run: Path) -> int | None:
    """What the shim last saw the run hold; None when it never saw it."""
    journal = run / "shim.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    seen = [fact for fact in map(json.loads, lines) if fact["type"] == "gpu_seen"]
    return sum(each["held_bytes"] or 0 for each in seen[-1]["devices"]) if seen else None


def tell(outcome: Outcome) -> None:
    for device in outcome.before.used_bytes:
        before, during, after = (
            mib(reading.used_bytes.get(device)) for reading in (outcome.before, outcome.during, outcome.after)
        )
        print(f"  {device}: {before} in use before, {during} during, {after} after")
    free = "never" if outcome.free_after is None else f"{outcome.free_after:.1f} s"
    over = f"the run was over after {outcome.ended_after:.1f} s"
    print(f"  from stop to free, as {source()} reads it: {free}; {over}")
    print(f"  our receipt: {outcome.receipt['state']}. {outcome.receipt['detail']}")
    complaints = outcome.complaints()
    print(f"  {'FAILED: ' + '; '.join(complaints) if complaints else 'ok'}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/gpu-check", description=__doc__)
    parser.add_argument("--mib", type=int, default=2048, help="how much memory to take (default 2048)")
    parser.add_argument("--only", choices=CASES, help="one case instead of all")
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="the run's interpreter, one with torch say (default: this one)",
    )
    options = parser.parse_args()
    can, sentence = what_can_be_measured()
    print(sentence)
    if not can:
        print("There is no GPU here that can be checked; nothing was done.")
        return 2
    failed = False
    with tempfile.TemporaryDirectory(prefix="trainstop-gpu-check-") as directory:
        os.chmod(directory, 0o700)  # noqa: PTH101
        with server(Path(directory), options.python, options.mib << 20) as (client, data):
            for name in [options.only] if options.only else CASES:
                template, mode, title = CASES[name]
                print(f"\n{name}: {title}", flush=True)
                outcome = stop(client, data, template, mode, options.mib << 20)
                tell(outcome)
                failed |= bool(outcome.complaints())
    print("\nFAILED" if failed else "\nEvery GPU came free, and the receipts say so.")
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"{error}")
