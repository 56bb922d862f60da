"""The real server, shim and job, with secrets that are known: where do they turn up?"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from trainstop.cli.conftest import WAIT_SECONDS, Server, job_when
from trainstop.rundir.layout import RunDir

JWT_SECRET = "people-secret-0123456789-0123456789-0123456789"
TOKEN = "service-token-0123456789-0123456789"
CONFIG = """
[people]
jwt_secret_file = "jwt-secret"
issuer = "https://login.example.com"
audience = "trainstop"

[templates.reporter]
command = ["{python}", "reporter.py"]
"""

REPORTER = r"""
import json, os, pathlib, time, urllib.error, urllib.request

def report(offset, *facts, token=os.environ["TRAINSTOP_TOKEN"]):
    url = f"{os.environ['TRAINSTOP_URL']}/jobs/{os.environ['TRAINSTOP_JOB_ID']}/report"
    attempt = int(os.environ["TRAINSTOP_ATTEMPT"])
    body = json.dumps({"attempt": attempt, "rank": 0, "offset": offset, "facts": facts}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        return json.load(answer)

try:
    report(0, token=os.environ["TRAINSTOP_TOKEN"][:-1])
except urllib.error.HTTPError as error:
    print("refused with", error.code, flush=True)
    error.close()
report(0, {"type": "attached", "total_steps": 100})
offset = 1
while True:
    answer = report(offset, {"type": "progress", "step": offset, "epoch": None})
    offset = answer["next_offset"]
    if answer["command"]:
        break
    time.sleep(0.05)
command = answer["command"]["id"]
report(offset, {"type": "acknowledged", "command_id": command, "step": offset},
       {"type": "left", "reason": "cancel", "command_id": command, "step": offset})
"""


@pytest.fixture
def server(serve: Callable[..., Server], tmp_path: Path) -> Server:
    for name, text in (("jwt-secret", JWT_SECRET), ("service-token", TOKEN)):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "reporter.py").write_text(REPORTER)
    (tmp_path / "trainstop.toml").write_text(CONFIG)
    environment = {"COPY_OF_THE_TOKEN": TOKEN, "COPY_OF_THE_SECRET": f"x{JWT_SECRET}", "KEPT": "yes"}
    return serve("--token-file", str(tmp_path / "service-token"), env=environment).ready()


def persons_token(**more: Any) -> str:
    claims = {"sub": "ada", "iss": "https://login.example.com", "aud": "trainstop", "exp": 4_000_000_000}
    return jwt.encode({**claims, **more}, JWT_SECRET, "HS256")


def command_lines_and_environments() -> Iterator[tuple[str, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                yield f"{entry.name} cmdline", (entry / "cmdline").read_bytes()
            except OSError:
                continue


def test_a_script_of_ones_own_reports_hears_the_stop_and_leaves(server: Server) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=WAIT_SECONDS) as client:
        job_id = client.post("/jobs", json={"template": "reporter"}).json()["job"]["id"]
        job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 2)
        answer = client.post(f"/cancel/{job_id}", headers={"Prefer": "wait=60"}).json()["result"]
        assert answer["job"]["status"] == "cancelled", answer
        states = {each["stage"]: each["state"] for each in answer["command"]["receipts"]}
        assert (states["acknowledged"], answer["job"]["end"]["exit_code"]) == ("done", 0)
        assert client.get(f"/jobs/{job_id}/logs").json()["text"] == "refused with 401\n"
        spec = json.loads(RunDir.of(server.data_dir, job_id, 1).spec.read_text())
        late = httpx.post(
            f"{server.url}/jobs/{job_id}/report",
            json={"attempt": 1, "rank": 0, "offset": 0, "facts": []},
            headers={"Authorization": f"Bearer {spec['env']['TRAINSTOP_TOKEN']}"},
            timeout=WAIT_SECONDS,
        )
        assert late.status_code == 401


def test_no_secret_turns_up_in_logs_answers_process_list_or_files_of_others(server: Server) -> None:
    person, expired, forged = persons_token(), persons_token(exp=1), persons_token(sub="eve")[:-3] + "AAA"
    worker_key = (server.data_dir / "worker-key").read_bytes()
    answers: list[bytes] = []

    def call(method: str, path: str, token: str, **more: Any) -> httpx.Response:
        response = httpx.request(
            method,
            f"{server.url}{path}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=WAIT_SECONDS,
            **more,
        )
        answers.append(repr(response.headers.raw).encode() + response.content)
        return response

    job_id = call("POST", "/jobs", person, json={"template": "reporter"}).json()["job"]["id"]
    spec_path = RunDir.of(server.data_dir, job_id, 1).spec
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=WAIT_SECONDS) as client:
        job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 2)
    spec = json.loads(spec_path.read_text())
    worker = spec["env"]["TRAINSTOP_TOKEN"]
    secrets = [TOKEN, JWT_SECRET, person, expired, forged, worker]

    for token in (*secrets, "wrong"):
        call("GET", "/jobs", token)
        call("GET", f"/jobs/{job_id}", token)
        call("GET", f"/jobs?token={token}", token)
        call("GET", f"/jobs?status={token}", token)
        call("GET", f"/jobs/{token}", TOKEN)  # in a path, which is logged
        call("GET", f"/{token}", TOKEN)
        call("POST", f"/jobs/{job_id}/report", token, json={"attempt": 1})
        call("POST", f"/local/{job_id}/control", token, content=b"{")
        call("POST", "/jobs", TOKEN, json={"template": "nothing"})
    listed = list(command_lines_and_environments())
    call("POST", f"/cancel/{job_id}", person)
    with httpx.Client(base_url=server.url, headers=headers, timeout=WAIT_SECONDS) as client:
        job_when(client, job_id, lambda job: job["status"] == "cancelled")
    call("GET", f"/jobs/{job_id}/logs", person)
    call("GET", f"/jobs/{job_id}/commands", person)

    environment = json.dumps(spec["env"])
    assert spec["env"]["KEPT"] == "yes"
    assert not [name for name in spec["env"] if name.startswith("COPY_OF")]
    assert TOKEN not in environment and JWT_SECRET not in environment
    for path in [server.data_dir, *server.data_dir.rglob("*")]:
        if not path.is_symlink() and not stat.S_ISSOCK(path.stat().st_mode) and path.exists():
            inside_a_closed_directory = path != server.data_dir and path.is_dir()
            assert inside_a_closed_directory or not path.stat().st_mode & 0o077, path
    out, error = server.end()
    for secret in secrets:
        assert not [what for what, told in listed if secret.encode() in told]
        assert secret not in out and secret not in error, secret
        assert not [answer for answer in answers if secret.encode() in answer]
        kept = {
            path.name
            for path in server.data_dir.rglob("*")
            if path.is_file() and secret.encode() in path.read_bytes()
        }
        assert kept <= ({"spec.json"} if secret == worker else set()), secret
    assert worker_key not in error.encode()
    assert re.search(r"GET /api/training/jobs/\S+ 404", error), "the log is there"
