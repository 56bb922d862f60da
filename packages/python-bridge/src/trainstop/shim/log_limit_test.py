"""A job's output stays small on the disk, and every byte that is kept stays where it was."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.rundir.atomic_file import read_json, write_json_atomically
from trainstop.rundir.layout import RunDir
from trainstop.shim import log_limit
from trainstop.shim.log_limit import LogLimit

LIMIT = 256 * 1024
PLACES = [path for path in ("/dev/shm", "/tmp") if os.access(path, os.W_OK)]


@pytest.fixture(params=PLACES)
def run(request: pytest.FixtureRequest) -> Iterator[RunDir]:
    """On each file system that there is: memory, and the disk."""
    with tempfile.TemporaryDirectory(dir=request.param) as directory:
        yield RunDir(directory)


def kept_from(run: RunDir) -> int:
    noted = read_json(run.output_kept)
    return 0 if noted is None else int(noted["from"])


def on_disk(run: RunDir) -> int:
    return run.output.stat().st_blocks * 512


def line(number: int) -> bytes:
    return f"step {number:08d} loss 0.5\n".encode()


def test_the_oldest_bytes_go_and_the_others_stay_where_they_are(run: RunDir) -> None:
    told: list[str] = []
    limit = LogLimit(run, LIMIT, told.append)
    number = 0
    with run.output.open("ab", buffering=0) as output:
        for _ in range(40):
            output.write(b"".join(line(number + each) for each in range(2000)))
            number += 2000
            limit.keep()
    size = number * len(line(0))
    assert run.output.stat().st_size == size
    first = kept_from(run)
    assert LIMIT * 3 // 4 < size - first <= LIMIT
    assert on_disk(run) <= LIMIT + 8192
    data = run.output.read_bytes()
    assert data[first:] == b"".join(line(each) for each in range(first // len(line(0)), number))
    assert data[:first] == bytes(first), "a hole"
    assert first % len(line(0)) == 0, "cut where a line begins"
    assert not told


def test_a_small_output_is_left_alone(run: RunDir) -> None:
    limit = LogLimit(run, LIMIT, pytest.fail)
    limit.keep()
    run.output.write_bytes(bytes(LIMIT))
    limit.keep()
    assert not run.output_kept.exists()


def test_no_limit_is_none(run: RunDir) -> None:
    run.output.write_bytes(bytes(4 * LIMIT))
    LogLimit(run, 0, pytest.fail).keep()
    assert on_disk(run) >= 4 * LIMIT


def test_an_output_that_somebody_truncated_begins_anew(run: RunDir) -> None:
    limit = LogLimit(run, LIMIT, pytest.fail)
    run.output.write_bytes(b"x\n" * LIMIT)
    limit.keep()
    assert kept_from(run) > 0
    run.output.write_bytes(b"new\n")
    limit.keep()
    assert kept_from(run) == 0


def test_what_stands_in_the_outputs_place_is_not_touched(run: RunDir) -> None:
    secret = run.path / "another file"
    secret.write_bytes(b"x" * 4 * LIMIT)
    run.output.symlink_to(secret)
    LogLimit(run, LIMIT, pytest.fail).keep()
    assert secret.read_bytes() == b"x" * 4 * LIMIT


def test_a_file_system_without_holes_is_told_once_and_nothing_is_lost(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(log_limit, "_punch", refuse)
    told: list[str] = []
    limit = LogLimit(run, LIMIT, told.append)
    run.output.write_bytes(b"x\n" * LIMIT)
    for _ in range(3):
        limit.keep()
    assert len(told) == 1 and "grows on" in told[0]
    assert kept_from(run) == 0


def test_on_a_full_disk_room_is_made_first(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    punched: list[int] = []
    punch = log_limit._punch

    def punch_and_note(descriptor: int, end: int) -> None:
        punch(descriptor, end)
        punched.append(end)

    def full_until_punched(path: Path, value: object) -> None:
        if not punched:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_json_atomically(path, value)

    monkeypatch.setattr(log_limit, "write_json_atomically", full_until_punched)
    monkeypatch.setattr(log_limit, "_punch", punch_and_note)
    run.output.write_bytes(b"x\n" * LIMIT)
    LogLimit(run, LIMIT, pytest.fail).keep()
    assert on_disk(run) <= LIMIT and kept_from(run) > 0


def test_a_shim_at_rest_does_not_pay_for_it() -> None:
    code = "import sys, trainstop.shim.supervisor; print('ctypes' in sys.modules)"
    said = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout == "False\n"
