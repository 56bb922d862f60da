from __future__ import annotations

import json
import os
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from trainstop.cli import doctor
from trainstop.cli.doctor_checks import clock, disk, gpu, graces, server, system
from trainstop.cli.doctor_checks.finding import Finding, failed, warning
from trainstop.cli.main import main

GIB = 1024**3


def refused(*_: Any) -> Any:
    raise OSError(1, "Operation not permitted")


@pytest.mark.parametrize(
    ("finding", "state", "words"),
    [
        (system.python((3, 10, 4)), "failed", "3.10.4 is too old"),
        (system.python((3, 13, 0)), "ok", "3.13.0"),
        (system.kernel("Darwin", "24"), "failed", "Darwin, not Linux"),
        (system.kernel("Linux", "6.1"), "ok", "6.1"),
        (system.subreaper(lambda: False), "warning", "does not let a process adopt orphans"),
        (system.pidfd(refused), "failed", "Operation not permitted"),
        (system.cgroup("/no/such/cgroup"), "warning", "No cgroup can be made in /no/such/cgroup"),
        (gpu.gpu(lambda: (False, "No driver.")), "warning", "No driver."),
        (gpu.gpu(lambda: (True, "Two GPUs.")), "ok", "Two GPUs."),
        (disk.free_space(Path("/x/y"), lambda _: 5 * GIB), "warning", "5.0 GiB free where /x/y lies"),
        (disk.free_space(Path("/x/y"), lambda _: GIB // 2), "failed", "512 MiB free"),
        (disk.free_space(Path("/x/y"), lambda _: 50 * GIB), "ok", "50 GiB free"),
        (disk.file_system(Path("/"), "host:/ / nfs4 rw 0 0\n"), "warning", "a network file system"),
        (disk.file_system(Path("/"), "x / tmpfs rw 0 0\n"), "warning", "in memory"),
        (disk.file_system(Path("/"), "x /other nfs rw 0 0\nx / ext4 rw 0 0\n"), "ok", "ext4"),
        (disk.writing(Path("/tmp"), refused), "failed", "Operation not permitted"),
        (clock.clock(wall=lambda: 0.0), "warning", "never set"),
        (
            clock.clock(lambda: (5, 0), sleep=lambda _: None),
            "warning",
            "Nothing keeps the clock synchronised",
        ),
        (clock.clock(lambda: (0, 0x40), sleep=lambda _: None), "warning", "Nothing keeps"),
        (clock.clock(lambda: (0, 0), sleep=lambda _: None), "ok", "kept synchronised"),
        (clock.clock(refused, sleep=lambda _: None), "warning", "can't be asked"),
        (graces.graces(60, {}), "ok", "torchrun gives its workers after that end with ours, after 15 s"),
        (graces.graces(120, {}), "ok", "30 s that torchrun gives its workers after that fit in"),
        (graces.graces(60, {"SLURM_JOB_ID": "1"}, lambda: 30.0), "warning", "Slurm kills 30 s after"),
        (graces.graces(60, {"SLURM_JOB_ID": "1"}, lambda: None), "warning", "KillWait can't be asked"),
        (graces.graces(60, {"SLURM_JOB_ID": "1"}, lambda: 90.0), "ok", "60 s"),
        (server.packages(lambda name: name != "uvicorn"), "failed", "uvicorn is not installed"),
        (server.open_files(lambda: (128, 4096)), "failed", "only 128 files"),
        (server.open_files(lambda: (1024, 4096)), "warning", "only 1024 files open (at most 4096"),
        (server.open_files(lambda: (-1, -1)), "ok", "any number of files"),
    ],
)
def test_what_each_check_says(finding: Finding, state: str, words: str) -> None:
    assert finding.state == state
    assert words in finding.sentence, finding.sentence
    assert finding.sentence.endswith(".")
    assert (finding.follows is None) == (state == "ok")


def test_a_clock_that_jumps_is_seen() -> None:
    moments = iter([2e9, 2e9 + 100])
    found = clock.clock(wall=lambda: next(moments), steady=lambda: 5.0, sleep=lambda _: None)
    assert found.sentence == "The clock jumped by 100.00 s while it was looked at."


def test_adopting_orphans_is_really_tried_and_leaves_no_trace() -> None:
    before = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    assert system.subreaper().state == "ok"
    assert Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text() == before


def test_who_may_look_into_the_data_directory(tmp_path: Path) -> None:
    assert "is not there yet" in disk.permissions(tmp_path / "none").sentence
    tmp_path.chmod(0o755)
    found = disk.permissions(tmp_path)
    assert found.state == "warning" and f"chmod 700 {tmp_path}" in (found.follows or "")
    tmp_path.chmod(0o700)
    assert disk.permissions(tmp_path).state == "ok"


def test_a_store_that_is_no_store_is_told(tmp_path: Path) -> None:
    assert "no store yet" in server.store(tmp_path).sentence
    path = tmp_path / "trainstop.db"
    path.write_bytes(b"this is not a database at all" * 100)
    assert server.store(tmp_path).state == "failed"
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("create table jobs (id text)")
    connection.close()
    assert server.store(tmp_path).state == "ok"


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = server.port("127.0.0.1", taken.getsockname()[1], tmp_path)
    assert found.state == "failed" and "Address already in use" in found.sentence


def test_warnings_are_no_failure_and_a_failure_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["doctor", "--data", str(tmp_path), "--port", "0"]
    monkeypatch.setattr(clock, "clock", lambda: warning("clock", "It is late.", "Nothing."))
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "\nwarning clock           It is late.\n" in out and "This machine is ready for Trainstop." in out
    assert "\x1b" not in out
    monkeypatch.setattr(clock, "clock", lambda: failed("clock", "No clock.", "Buy one."))
    assert main(arguments) == 1
    assert "FAILED  clock           No clock.\n" + " " * 24 + "Buy one.\n" in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["usable"] is False
    assert {"name": "clock", "state": "failed", "sentence": "No clock.", "follows": "Buy one."} in told[
        "findings"
    ]


def test_a_check_that_breaks_is_told_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system, "kernel", refused)
    found = {each.name: each for each in doctor.examine(tmp_path, None, "127.0.0.1", 0)}
    assert found["kernel"].state == "failed" and "Operation not permitted" in found["kernel"].sentence
    assert found["graces"].state == "ok"


def test_the_configurations_grace_is_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "trainstop.toml"
    config.write_text("[server]\ngrace_seconds = 200\n")
    found = {each.name: each for each in doctor.examine(tmp_path, config, "127.0.0.1", 0)}
    assert "A graceful stop has 200 s" in found["graces"].sentence
    assert found["configuration"].state == "ok"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no such file"),
        ("[server\n", "it can't be read as TOML"),
        ("[server]\ngraceseconds = 1\n", "did you mean grace_seconds?"),
    ],
)
def test_a_configuration_that_no_server_would_start_with_is_found(
    tmp_path: Path, text: str | None, words: str
) -> None:
    config = tmp_path / "trainstop.toml"
    if text is not None:
        config.write_text(text)
    found = {each.name: each for each in doctor.examine(tmp_path, config, "127.0.0.1", 0)}
    assert found["configuration"].state == "failed" and words in found["configuration"].sentence
    assert "A graceful stop has 60 s" in found["graces"].sentence


def test_a_port_that_can_not_be_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--port", "99999999"])
    assert ended.value.code == 2 and "a port is a number from 0 to 65535" in capsys.readouterr().err
