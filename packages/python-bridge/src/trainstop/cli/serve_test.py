from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from trainstop.checkpoints.manifest import MANIFEST_NAME
from trainstop.checkpoints.saving import Save
from trainstop.cli.conftest import WAIT_SECONDS, Server, job_when, start_job
from trainstop.cli.main import main
from trainstop.rundir.layout import RunDir
from trainstop.rundir.process_identity import identify


def test_it_says_one_line_when_it_is_ready_and_ends_when_asked_to(serve: Callable[..., Server]) -> None:
    server = serve().ready()
    assert httpx.get(f"{server.url}/health", timeout=WAIT_SECONDS).json()["ready"]
    out, _ = server.end()
    assert out == ""
    assert server.process.returncode in (0, -signal.SIGTERM)


def test_what_it_keeps_is_its_owners_alone(serve: Callable[..., Server]) -> None:
    server = serve().ready()
    assert server.data_dir.stat().st_mode & 0o777 == 0o700
    for path in server.data_dir.iterdir():
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


def test_training_goes_on_without_the_server_and_a_later_server_stops_it(
    serve: Callable[..., Server],
) -> None:
    first = serve().ready()
    with first.client() as client:
        job_id = start_job(client)
        job = job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 0)
        with client.stream("GET", f"/jobs/{job_id}/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            first.process.terminate()  # with the stream open
            assert "event: end" not in list(lines)
    first.process.communicate(timeout=WAIT_SECONDS)
    second = serve().ready()
    with second.client() as client:
        job = client.get(f"/jobs/{job_id}").json()["job"]
        assert (job["status"], job["attempt"]) == ("running", 1)
        answer = client.post(f"/cancel/{job_id}", headers={"Prefer": "wait=60"}).json()
        assert answer["result"]["job"]["status"] == "cancelled"
        assert answer["result"]["job"]["last_checkpoint"]["verified"]
        assert main(["verify", answer["result"]["job"]["last_checkpoint"]["path"]]) == 0


def test_a_server_that_was_killed_finds_everything_again(serve: Callable[..., Server]) -> None:
    first = serve().ready()
    with first.client() as client:
        job_id = start_job(client)
        job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 0)
        first.end(signal.SIGKILL)
    second = serve().ready()
    with second.client() as client:
        step = client.get(f"/jobs/{job_id}").json()["job"]["progress"]["step"]
        job_when(client, job_id, lambda job: job["progress"]["step"] > step)
        wait = {"Prefer": "wait=60"}
        answer = client.post(f"/cancel/{job_id}", json={"mode": "force"}, headers=wait).json()
        assert answer["result"]["job"]["status"] == "cancelled"


def test_training_gets_nothing_of_the_servers_secrets(serve: Callable[..., Server]) -> None:
    server = serve(env={"TRAINSTOP_TOKEN": "from-outside", "MY_SETTING": "kept"}).ready()
    with server.client() as client:
        job_id = start_job(client)
        job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 0)
    journal = RunDir.of(server.data_dir, job_id, 1).shim_journal.read_text()
    pid = int(journal.split('"pid":')[1].split(",")[0])
    assert identify(pid) is not None
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    shim = json.loads(RunDir.of(server.data_dir, job_id, 1).shim_identity.read_text())["pid"]
    of_the_shim = Path(f"/proc/{shim}/environ").read_bytes()
    assert set(of_the_shim.split(b"\0")) <= set(environment.split(b"\0"))
    token = (server.data_dir / "token").read_bytes().strip()
    assert b"MY_SETTING=kept" in environment
    assert b"from-outside" not in environment and token not in environment


def test_a_stop_is_counted_and_timed_for_prometheus(serve: Callable[..., Server]) -> None:
    server = serve().ready()
    with server.client() as client:
        job_id = start_job(client)
        job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 0)
        answer = client.post(f"/cancel/{job_id}", headers={"Prefer": "wait=60"}).json()
        assert answer["result"]["job"]["status"] == "cancelled"
        receipts = {receipt["stage"]: receipt for receipt in answer["result"]["command"]["receipts"]}
        told = client.get(server.url.replace("/api/training", "/metrics")).text
    samples = {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }
    assert samples["trainstop_commands_total", "cancel", "none", "accepted"] == 1
    assert samples["trainstop_commands_ended_total", "cancel", "graceful", "succeeded"] == 1
    assert samples["trainstop_jobs", "cancelled"] == 1 and samples["trainstop_jobs", "running"] == 0
    assert samples["trainstop_supervision_total", "launched"] == 1
    for stage in ("delivered", "acknowledged", "checkpoint_saved", "process_exited"):
        assert samples["trainstop_stop_seconds_count", "graceful", stage] == 1
    begun, gone = (datetime.fromisoformat(receipts[stage]["at"]) for stage in ("accepted", "process_exited"))
    seconds = samples["trainstop_stop_seconds_sum", "graceful", "process_exited"]
    assert seconds == pytest.approx((gone - begun).total_seconds(), abs=0.1)
    assert job_id not in told


def test_a_second_server_on_the_same_data_is_refused(serve: Callable[..., Server]) -> None:
    server = serve().ready()
    sentence = serve().refused()
    assert sentence.startswith("Another Trainstop server works in") and sentence.count("\n") == 0
    assert httpx.get(f"{server.url}/health", timeout=WAIT_SECONDS).json()["ready"]


def test_other_machines_are_let_in_only_with_a_token_file_of_ones_own(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    assert "--token-file" in serve("--host", "0.0.0.0").refused()
    token_file = tmp_path / "token"
    server = serve("--host", "0.0.0.0", "--token-file", str(token_file)).ready()
    token = token_file.read_text().strip()
    url = server.url.replace("0.0.0.0", "127.0.0.1")
    answer = httpx.get(f"{url}/jobs", headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_SECONDS)
    assert answer.status_code == 200
    assert token not in server.end()[1]


def test_a_port_that_is_taken_is_told(serve: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sentence = serve("--port", str(taken.getsockname()[1])).refused()
    assert "Address already in use" in sentence and "--port" in sentence


def test_a_configuration_with_a_mistake_is_told(serve: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[server]\nmax_jobs = 1\n")
    assert "server.max_jobs is not known" in serve("--config", str(path)).refused()


@pytest.mark.parametrize("port", ["x", "-1", "65536", ""])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", f"--port={port}"])
    assert ended.value.code == 2
    assert "a port is a number from 0 to 65535" in capsys.readouterr().err


def save(checkpoints: Path, step: int) -> Path:
    saving = Save(checkpoints, step)
    (saving.path / "weights").write_bytes(b"weights")
    saving.publish(job_id="job_1", attempt=1, epoch=None, reason="manual", metrics={}, save_seconds=0.0)
    return checkpoints / saving.checkpoint_id


def test_verify_tells_a_good_checkpoint_from_a_broken_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, changed, headless = save(tmp_path, 1), save(tmp_path, 2), save(tmp_path, 3)
    (changed / "weights").write_bytes(b"weight?")
    (headless / MANIFEST_NAME).unlink()
    (tmp_path / ".saving-step-00000004").mkdir()
    assert main(["verify", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: good, 1 file, saved at step 1\n"
    assert main(["verify", str(good), str(good)]) == 0
    assert main(["verify", str(good), str(changed)]) == main(["verify", str(changed), str(good)]) == 1
    capsys.readouterr()
    assert main(["verify", str(changed)]) == 1
    assert capsys.readouterr().out == f"{changed}: weights has other content than was saved\n"
    assert main(["verify", str(tmp_path)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in told] == [str(good), str(changed), str(headless)]


def test_verify_of_what_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photographs").mkdir()
    (tmp_path / "letters").mkdir()
    assert main(["verify", str(tmp_path)]) == 1
    assert capsys.readouterr().out == (
        f"{tmp_path}: no checkpoint is here: neither it nor a directory in it has a {MANIFEST_NAME}\n"
    )
    assert main(["verify", str(tmp_path / "missing")]) == 2
    assert "is no directory" in capsys.readouterr().err
