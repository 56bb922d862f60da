from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from trainstop.cli.conftest import Server, job_when, start_job
from trainstop.cli.main import main
from trainstop.server.conftest import postgres
from trainstop.server.jobs.conftest import open_desk
from trainstop.server.store_place import VARIABLE
from trainstop.server.supervision.conftest import until


def statuses(server: Server) -> dict[str, str]:
    with server.client() as client:
        return {job["id"]: job["status"] for job in client.get("/jobs").json()["jobs"]}


def test_files_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, nowhere = tmp_path / "missing.db", tmp_path / "nowhere" / "backup.db"
    assert main(["restore", str(missing), "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"trainstop: There is no file {missing}; name a backup that `trainstop backup` made.\n"
    )
    (tmp_path / "trainstop.db").write_bytes(b"")
    assert main(["backup", "--data", str(tmp_path), str(nowhere)]) == 1
    assert capsys.readouterr().err == (
        f"trainstop: There is no directory {nowhere.parent} for the backup; make it, or name another file.\n"
    )


def test_runs_that_went_on_after_the_backup_are_found_again(
    serve: Callable[..., Server],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backup = tmp_path / "backup.db"
    first = serve().ready()
    data = first.data_dir
    with first.client() as client:
        ends, goes_on = start_job(client), start_job(client)
        for job_id in (ends, goes_on):
            job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 0)
        assert main(["backup", "--data", str(data), str(backup)]) == 0
        later = start_job(client)
        job_when(client, later, lambda job: (job["progress"]["step"] or 0) > 0)
        client.post(f"/cancel/{ends}", headers={"Prefer": "wait=60"})
        job_when(client, ends, lambda job: job["status"] == "cancelled")
        cursor = f"1.{client.get(f'/jobs/{ends}').json()['job']['seq']}"
    assert main(["restore", str(backup), "--data", str(data)]) == 1
    assert "Another Trainstop server works in" in capsys.readouterr().err
    first.end(signal.SIGTERM)
    assert main(["restore", str(backup), "--data", str(data)]) == 0
    assert later in capsys.readouterr().out
    second = serve().ready()
    with second.client() as client:
        job = job_when(client, ends, lambda job: job["status"] == "cancelled")
        assert (job["generation"], job["last_checkpoint"]["verified"]) == (2, True)
        with client.stream("GET", f"/jobs/{ends}/events?cursor={cursor}") as stream:
            assert any(line == "event: reset" for line in stream.iter_lines())
        checkpoints = client.get(f"/jobs/{ends}/checkpoints").json()["checkpoints"]
        assert len({one["id"] for one in checkpoints}) == len(checkpoints) == 1
        for job_id in (goes_on, later):
            job_when(client, job_id, lambda job: job["status"] == "running")
            client.post(f"/cancel/{job_id}", headers={"Prefer": "wait=60"})
            job_when(client, job_id, lambda job: job["status"] == "cancelled")
    assert set(statuses(second)) == {ends, goes_on, later}


def test_on_postgresql_runs_that_went_on_after_the_backup_are_found_again(
    serve: Callable[..., Server], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres().new_database()
    first = serve(env={**os.environ, VARIABLE: url}).ready()
    with first.client() as client:
        goes_on = start_job(client)
        job_when(client, goes_on, lambda job: (job["progress"]["step"] or 0) > 0)
    first.end(signal.SIGTERM)
    backup = postgres().new_database(template=url.partition("@/")[2].partition("?")[0])  # as pg_dump sees it
    second = serve(env={**os.environ, VARIABLE: url}).ready()
    with second.client() as client:
        later = start_job(client)
        job_when(client, later, lambda job: (job["progress"]["step"] or 0) > 0)
        cursor = f"1.{client.get(f'/jobs/{goes_on}').json()['job']['seq']}"
    monkeypatch.setenv(VARIABLE, backup)
    restore = ["restore", "--raise-generation", "--data", str(first.data_dir)]
    assert main(restore) == 1
    assert "Another Trainstop server works in" in capsys.readouterr().err
    second.end(signal.SIGTERM)
    assert main(restore) == 0
    out = capsys.readouterr().out
    assert "generation 2" in out and f"{later}: started after the backup" in out
    third = serve(env={**os.environ, VARIABLE: backup}).ready()
    with third.client() as client:
        for job_id in (goes_on, later):
            job_when(client, job_id, lambda job: job["status"] == "running")
            client.post(f"/cancel/{job_id}", headers={"Prefer": "wait=60"})
            job_when(client, job_id, lambda job: job["status"] == "cancelled")
        with client.stream("GET", f"/jobs/{goes_on}/events?cursor={cursor}") as stream:
            assert any(line == "event: reset" for line in stream.iter_lines())


def test_each_backup_of_a_store_that_is_written_to_is_of_one_moment(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with open_desk(data) as desk:
        jobs = [desk.running() for _ in range(3)]
        over = threading.Event()

        def write() -> None:
            step = 0
            while not over.is_set():
                step += 1
                for job_id in jobs:
                    desk.tell(job_id, "rank-0", "metrics", rows=[[step, 1, desk.clock(), {"loss": 1 / step}]])

        def has_grown(goal: int) -> bool:
            return bool(desk.job(jobs[0])["seq"] > goal)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            grown = []
            for number in range(5):
                goal = desk.job(jobs[0])["seq"] + 20
                until(partial(has_grown, goal), "more to be written")
                assert main(["backup", "--data", str(data), str(tmp_path / f"{number}.db")]) == 0
                with closing(sqlite3.connect(tmp_path / f"{number}.db")) as backup:
                    found = dict(backup.execute("SELECT id, seq FROM jobs").fetchall())
                    for job_id in jobs:
                        rows = backup.execute(
                            "SELECT seq FROM events WHERE job_id = ? ORDER BY seq", [job_id]
                        )
                        assert [seq for (seq,) in rows] == list(range(1, found[job_id] + 1))
                grown.append(found[jobs[0]])
        finally:
            over.set()
            writer.join()
    assert grown == sorted(set(grown)), "each is of a later moment, and nobody waited for it"


def test_a_backup_is_private_and_takes_no_ones_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert main(["backup", "--data", str(data), str(tmp_path / "out")]) == 1
    assert "There is no store" in capsys.readouterr().err
    made(data)
    assert main(["backup", "--data", str(data), str(tmp_path / "out")]) == 0
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    assert main(["backup", "--data", str(data), str(tmp_path / "out")]) == 1
    assert sorted(os.listdir(tmp_path)) == ["data", "out"]  # noqa: PTH208


def test_what_is_no_whole_backup_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    made(data)
    before = (data / "trainstop.db").read_bytes()
    assert main(["backup", "--data", str(data), str(tmp_path / "out")]) == 0
    whole = (tmp_path / "out").read_bytes()
    for name, content in (("text", b"hello"), ("half", whole[: len(whole) // 2]), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        assert main(["restore", str(tmp_path / name), "--data", str(data)]) == 1
        assert name in capsys.readouterr().err
    assert (data / "trainstop.db").read_bytes() == before


def test_each_restore_raises_the_generation_above_all_before(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made(data)
    assert main(["backup", "--data", str(data), str(tmp_path / "out")]) == 0
    for generation in (2, 3):
        assert main(["restore", str(tmp_path / "out"), "--data", str(data)]) == 0
        assert generation_of(data) == generation
    assert main(["restore", "--raise-generation", "--data", str(data)]) == 0
    assert generation_of(data) == 4
    assert (data / "trainstop.db.before-restore-1").exists()
    assert main(["restore", "--data", str(data)]) == 2


def made(data: Path) -> None:
    from trainstop.server.store.database import Database

    data.mkdir()
    Database(data / "trainstop.db").close()


def generation_of(data: Path) -> int:
    with closing(sqlite3.connect(data / "trainstop.db")) as store:
        return int(store.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()[0])
