"""Two real servers on one real PostgreSQL, as on two training machines, with real runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir
from trainstop.server.conftest import new_postgres, postgres
from trainstop.server.supervision.conftest import DEAF, TRAINING, WAIT_SECONDS, place, processes_of, until

__all__ = ["place"]

CONFIG = """
[templates.training]
command = ["{{python}}", "{place}/training.py", "{{steps}}", "0", ""]
cwd = "{place}"
[templates.training.params.steps]
type = "integer"
default = 1000000000
[templates.deaf]
command = ["{{python}}", "{place}/deaf.py"]
cwd = "{place}"
"""


class Server:
    """`trainstop serve` in a data directory of its own, and someone who asks it."""

    def __init__(self, place: Path, name: str, url: str) -> None:
        self.data = place / name
        self._place = place
        self._url = url
        self.start()

    def start(self) -> None:
        self._log = (self._place / f"{self.data.name}.log").open("ab")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "trainstop.cli", "serve", "--port", "0"),
                *("--data", self.data, "--config", self._place / "trainstop.toml"),
            ],
            env={**os.environ, "TRAINSTOP_STORE_URL": self._url},
            cwd=self._place,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http" in line, self.log()
        headers = {"Authorization": f"Bearer {(self.data / 'token').read_text().strip()}"}
        url = line.rpartition(" ")[2].strip()
        self.client = httpx.Client(base_url=url, headers=headers, timeout=WAIT_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()

    def log(self) -> str:
        return (self._place / f"{self.data.name}.log").read_text()

    def launch(self, template: str = "training", **params: Any) -> str:
        answer = self.client.post("/jobs", json={"template": template, "params": params})
        assert answer.is_success, answer.text
        return str(answer.json()["job"]["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/jobs/{job_id}")
        assert answer.is_success, answer.text
        return dict(answer.json()["job"])

    def cancel(self, job_id: str, **options: Any) -> None:
        answer = self.client.post(f"/cancel/{job_id}", json=options)
        assert answer.is_success, answer.text

    def until_status(self, job_id: str, *statuses: str) -> dict[str, Any]:
        return until(lambda: job if (job := self.job(job_id))["status"] in statuses else None, f"{statuses}")

    def run(self, job_id: str) -> RunDir:
        return RunDir.of(self.data, job_id, 1)

    @contextlib.contextmanager
    def reading(self, job_id: str) -> Iterator[list[dict[str, Any]]]:
        """What the job's stream tells, while it does; at the end of the block the stream has ended too."""
        events: list[dict[str, Any]] = []

        def read() -> None:
            with self.client.stream("GET", f"/jobs/{job_id}/events") as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        events.append(json.loads(line.removeprefix("data: ")))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            until(lambda: events, "the stream's first word")
            yield events
        finally:
            reader.join(WAIT_SECONDS)
        assert not reader.is_alive()


@pytest.fixture
def setting(place: Path) -> Path:
    (place / "training.py").write_text(TRAINING)
    (place / "deaf.py").write_text(DEAF)
    (place / "trainstop.toml").write_text(CONFIG.format(place=place))
    return place


@contextlib.contextmanager
def two_servers(setting: Path, url: str) -> Iterator[tuple[Server, Server]]:
    with contextlib.ExitStack() as stack:
        servers = []
        for name in ("a", "b"):
            servers.append(Server(setting, name, url))
            stack.callback(servers[-1].close)
        yield servers[0], servers[1]


def expect_each_event_once(events: list[dict[str, Any]]) -> None:
    """From the snapshot on, without a gap."""
    seqs = [event["seq"] for event in events if event["type"] not in ("log", "reset", "end")]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert [event["type"] for event in events].count("end") == 1
    assert events[-1]["type"] == "end"


def test_a_stop_asked_at_the_other_server_is_obeyed_and_told_once_and_in_order_at_both(
    setting: Path,
) -> None:
    with two_servers(setting, postgres().new_database()) as (a, b):
        job_id = a.launch()
        with a.reading(job_id) as at_a, b.reading(job_id) as at_b:
            until(lambda: any(event["type"] == "metrics" for event in at_b), "news at the other server")
            refused = b.client.get(f"/jobs/{job_id}/logs")
            assert (refused.status_code, refused.json()["code"]) == (422, "not_supported")
            assert os.uname().nodename in refused.json()["error"]
            b.cancel(job_id)
        for events in (at_a, at_b):
            expect_each_event_once(events)
            assert events[-1]["data"]["status"] == "cancelled"
        told = {event["seq"]: event for event in at_a if event["type"] != "log"}
        both = [event for event in at_b if event["type"] != "log" and event["seq"] in told]
        assert both[1:] and all(told[event["seq"]] == event for event in both[1:] if event["type"] != "job")
        assert a.job(job_id) == b.job(job_id)
        assert a.job(job_id)["last_command"]["status"] == "succeeded"
        assert (setting / "tally").read_text() == "started ", "no server but its own launched it"
        assert not b.run(job_id).path.exists()


def test_a_killed_servers_jobs_are_found_by_the_next_on_its_machine_and_by_no_other(setting: Path) -> None:
    with two_servers(setting, postgres().new_database()) as (a, b):
        job_id = a.launch(steps=3000)
        a.until_status(job_id, "running")
        a.kill()
        until(a.run(job_id).exit_record.exists, "the end of the run, without its server")
        assert b.job(job_id)["status"] == "running", "nobody there saw it end"
        other = b.launch(steps=5)
        b.until_status(other, "completed")
        assert b.job(job_id)["status"] == "running"
        a.start()
        a.until_status(job_id, "completed")
        steps = b.client.get(f"/jobs/{job_id}/metrics").json()["columns"]["step"]
        assert steps == list(range(1, 3001)), "each fact counts once"
        assert (setting / "tally").read_text() == "started started "


def test_a_stop_ends_on_its_machine_while_the_database_is_away_and_the_record_catches_up(
    setting: Path,
) -> None:
    own = new_postgres()
    try:
        with two_servers(setting, own.new_database()) as (a, b):
            job_id = a.launch("deaf")
            until((setting / "ready").exists, "the script")
            a.until_status(job_id, "running")
            b.cancel(job_id, grace_seconds=3)
            journal = a.run(job_id).shim_journal
            until(
                lambda: [fact for fact in read_facts(journal, 0, 1 << 20)[0] if fact["type"] == "delivered"],
                "the stop to reach the shim",
            )
            own.stop()
            until(a.run(job_id).exit_record.exists, "the end of the run, without a database")
            refused = b.client.get(f"/jobs/{job_id}")
            assert (refused.status_code, refused.json()["code"]) == (502, "server_unreachable")
            own.start()
            job = b.until_status(job_id, "cancelled")
            record = read_json(a.run(job_id).exit_record) or {}
            receipts = {each["stage"]: each for each in job["last_command"]["receipts"]}
            assert receipts["process_exited"]["at"] == record["tree_gone_at"]
            again = a.launch(steps=5)
            a.until_status(again, "completed")
            log = a.log() + b.log()
            assert "pass-word" not in log
        until(lambda: processes_of(setting) == [], "the shims to go")
    finally:
        own.remove()


def test_a_copy_of_a_living_servers_data_directory_is_refused(setting: Path) -> None:
    url = postgres().new_database()
    server = Server(setting, "a", url)
    try:
        copy = setting / "copy"
        copy.mkdir()
        (copy / "server.json").write_bytes((server.data / "server.json").read_bytes())
        refused = subprocess.run(
            [sys.executable, "-m", "trainstop.cli", "serve", "--port", "0", "--data", copy],
            env={**os.environ, "TRAINSTOP_STORE_URL": url},
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert refused.returncode != 0
        assert "bears the identity of one in which a server" in refused.stderr
        assert "pass-word" not in refused.stderr
    finally:
        server.close()
