"""Facts are read once, in order and whole, whatever happened to the line before them."""

from __future__ import annotations

import errno
import os
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.rundir.clock import rfc3339, unix_seconds
from trainstop.rundir.journal import Journal, read_facts

AT = "2026-11-23T18:09:00.000Z"


def numbers(path: Path) -> list[int]:
    return [fact["number"] for fact in read_facts(path, 0)[0]]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=40), max_size=20), st.integers(1, 200))
def test_every_appended_fact_is_read_once_and_in_order_however_small_the_bites(
    texts: list[str], limit: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rank-0.jsonl"
        journal = Journal(path)
        read: list[str] = []
        offset = 0
        for text in texts:
            journal.append("said", text=text)
            facts, offset = read_facts(path, offset, limit)
            read += [fact["text"] for fact in facts]
        while offset < path.stat().st_size:
            facts, offset = read_facts(path, offset, limit)
            read += [fact["text"] for fact in facts]
        journal.close()
        assert read == texts
        assert offset == path.stat().st_size


def test_no_file_is_no_facts(tmp_path: Path) -> None:
    assert read_facts(tmp_path / "shim.jsonl", 17) == ([], 17)


def test_a_line_without_its_end_is_not_read_yet(tmp_path: Path) -> None:
    path = tmp_path / "shim.jsonl"
    whole = f'{{"at":"{AT}","type":"count","number":1}}\n'.encode()
    path.write_bytes(whole + whole[:-1])
    assert read_facts(path, 0)[1] == len(whole)
    assert read_facts(path, len(whole)) == ([], len(whole))
    path.write_bytes(whole + whole)
    assert [fact["number"] for fact in read_facts(path, len(whole))[0]] == [1]


def test_lines_that_are_no_facts_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "shim.jsonl"
    lines = ["{", "", "7", "[]", "{}", '{"type":"count"}', f'{{"at":"{AT}"}}', '{"at":1,"type":"count"}']
    good = f'{{"at":"{AT}","type":"count","number":1}}'
    path.write_text("\n".join([*lines, good, ""]))
    facts, offset = read_facts(path, 0)
    assert facts == [{"at": AT, "type": "count", "number": 1}]
    assert offset == path.stat().st_size


def test_a_line_that_a_dead_writer_left_torn_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "shim.jsonl"
    path.write_bytes(f'{{"at":"{AT}","type":"count","number":0}}\n{{"at":"{AT}","ty'.encode())
    journal = Journal(path)
    journal.append("count", number=1)
    journal.append("count", number=2)
    journal.close()
    assert numbers(path) == [0, 1, 2]
    assert path.read_bytes().count(b"\n") == 4


@pytest.mark.parametrize("room", [0, 1, 20])
def test_a_line_that_a_full_disk_cut_short_does_not_swallow_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    path = tmp_path / "shim.jsonl"
    journal = Journal(path)
    journal.append("count", number=1)
    with monkeypatch.context() as full_disk:
        write, left = os.write, [room]

        def write_what_fits(descriptor: int, data: bytes) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            count = write(descriptor, data[: left[0]])
            left[0] -= count
            return count

        full_disk.setattr(os, "write", write_what_fits)
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                journal.append("count", number=2)
    journal.append("count", number=3)
    journal.append("count", number=4)
    journal.close()
    assert numbers(path) == [1, 3, 4]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 4_102_444_800_000))
def test_times_survive_the_way_through_the_protocol(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert unix_seconds(rfc3339(seconds)) == pytest.approx(seconds, abs=1e-6)


def test_a_line_that_is_nested_without_end_is_passed_over_like_any_other_that_says_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rank-0.jsonl"
    line = b'{"at":"%s","type":"said","number":1}\n' % AT.encode()
    path.write_bytes(b"[" * 100_000 + b"\n" + b'{"a":' * 100_000 + b"\n" + line)
    assert numbers(path) == [1]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_holds_no_facts_and_holds_up_nobody(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "rank-0.jsonl"
    make(path)
    assert read_facts(path, 0) == ([], 0)


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_nobody_appends_to_what_is_no_plain_file(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "rank-0.jsonl", tmp_path / "other"
    other.touch()
    if kind == "link":
        path.symlink_to(other)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(OSError):
        Journal(path)
    assert other.read_bytes() == b""


@pytest.mark.parametrize("limit", [1, 1 << 20])
def test_a_line_without_end_is_passed_over_and_never_held_in_memory(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "rank-0.jsonl"
    line = b'{"at":"%s","type":"said","number":1}\n' % AT.encode()
    with path.open("wb") as file:
        file.write(line)
        file.truncate(len(line) + (256 << 20))  # zeros, which take no room
    facts, offset = read_facts(path, 0, len(line))
    assert (len(facts), offset) == (1, len(line))
    tracemalloc.start()
    try:
        facts, offset = read_facts(path, offset, limit)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert (facts, offset) == ([], path.stat().st_size)
    with path.open("ab") as file:
        file.write(b"\n" + line)
    while offset < path.stat().st_size:
        more, offset = read_facts(path, offset, limit)
        facts += more
    assert [fact["number"] for fact in facts] == [1]


def test_a_long_line_is_read_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "rank-0.jsonl"
    journal = Journal(path)
    journal.append("count", number=1, padding="x" * 3_000_000)
    journal.append("count", number=2)
    journal.close()
    facts, offset = read_facts(path, 0, 1)
    assert [fact["number"] for fact in facts] == [1]
    assert [fact["number"] for fact in read_facts(path, offset, 1)[0]] == [2]
