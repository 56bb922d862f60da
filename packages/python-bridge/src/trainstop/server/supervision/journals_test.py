from __future__ import annotations

import json
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainstop.rundir.clock import rfc3339
from trainstop.rundir.layout import RunDir
from trainstop.server.supervision import journals
from trainstop.server.supervision.journals import Batch, Journals

NAMES = ("rank-0.jsonl", "rank-1.jsonl", "rank-12.jsonl", "shim.jsonl", "supervisor.jsonl")


def line(number: int, *, type_: str = "progress", at: float | None = None, filler: int = 0) -> bytes:
    moment = rfc3339(1_800_000_000 + (number if at is None else at))
    fact = {"at": moment, "type": type_, "number": number, "filler": "x" * filler}
    return json.dumps(fact).encode() + b"\n"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def drain(reader: Journals, *, one: bool = False) -> list[dict[str, Any]]:
    facts = []
    while (batch := reader.read_one() if one else reader.read()).offsets:
        facts += batch.facts
        reader.advance(batch)
    return facts


def numbers(facts: list[dict[str, Any]]) -> list[int]:
    return [fact["number"] for fact in facts]


@pytest.mark.parametrize("one", [False, True])
@settings(max_examples=60, deadline=None)
@given(
    writers=st.lists(st.integers(0, len(NAMES) - 1), max_size=40),
    batch_bytes=st.sampled_from([1, 150, 400, 1 << 20]),
)
def test_whoever_wrote_when_all_is_given_in_the_order_it_happened(
    one: bool, writers: list[int], batch_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journals, "BATCH_BYTES", batch_bytes)
        run = RunDir(directory)
        for number, writer in enumerate(writers):
            append(run.path / NAMES[writer], line(number))
        facts = drain(Journals(run, {}), one=one)
        ranks = [n for n, writer in enumerate(writers) if NAMES[writer].startswith("rank")]
        others = [n for n in range(len(writers)) if n not in ranks]
        told = numbers(facts)
        assert sorted(told) == list(range(len(writers)))
        if one or batch_bytes == 1 << 20:
            assert told == sorted(told)
        for other in others:
            earlier = [rank for rank in ranks if rank < other]
            assert set(earlier) <= set(told[: told.index(other)])
        for fact, writer in sorted((f["number"], f["source"]) for f in facts):
            assert writer == NAMES[writers[fact]].removesuffix(".jsonl")


def test_a_batch_that_was_not_recorded_is_given_again(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    append(run.rank_journal(0), line(1))
    reader = Journals(run, {})
    assert reader.read() == reader.read()


def test_reading_goes_on_from_what_the_store_has(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    append(run.rank_journal(0), line(1) + line(2))
    assert numbers(drain(Journals(run, {"rank-0.jsonl": len(line(1))}))) == [2]


def test_the_order_within_a_journal_is_kept_when_the_clock_was_set_back(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    append(run.rank_journal(0), line(1, at=50) + line(2, at=10) + line(3, at=60))
    append(run.shim_journal, line(4, at=55))
    assert numbers(drain(Journals(run, {}))) == [1, 2, 4, 3]


def test_delivered_comes_before_acknowledged_in_the_same_millisecond(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    append(run.rank_journal(0), line(2, at=1))
    append(run.shim_journal, line(1, at=1))
    assert numbers(drain(Journals(run, {}))) == [1, 2]


def test_a_line_that_is_not_finished_is_waited_for_and_a_torn_one_passed_over(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    append(run.rank_journal(0), line(1) + line(2)[:-9])
    reader = Journals(run, {})
    assert numbers(drain(reader)) == [1]
    append(run.rank_journal(0), line(2)[-9:] + b'{"torn\n' + line(3))
    assert numbers(drain(reader)) == [2, 3]


def test_a_run_directory_that_is_not_there_yet_has_no_news(tmp_path: Path) -> None:
    reader = Journals(RunDir(tmp_path / "not yet"), {})
    assert reader.read() == Batch([], {})
    assert not reader.changed()


def test_only_a_new_or_grown_file_of_interest_is_a_change(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    reader = Journals(run, {})
    assert reader.changed()
    drain(reader)
    assert not reader.changed()
    for path in (run.output, run.control, run.rank_wake(0), run.path / "rank-x.jsonl"):
        append(path, b"something")
    assert not reader.changed()
    for path in (run.rank_journal(7), run.shim_journal, run.exit_record):
        append(path, line(1))
        assert reader.changed()
        drain(reader)
        assert not reader.changed()


def test_what_was_written_while_reading_is_a_change(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    append(run.rank_journal(0), line(1))
    reader = Journals(run, {})
    reader.advance(reader.read())
    append(run.rank_journal(0), line(2))
    assert reader.changed()
    assert numbers(drain(reader)) == [2]


def test_after_a_long_absence_batches_stay_small(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    append(run.shim_journal, line(-1, type_="started"))
    append(run.rank_journal(0), b"".join(line(n, filler=100_000) for n in range(40)))
    append(run.shim_journal, line(99, type_="tree_gone"))
    reader = Journals(run, {})
    told = []
    while (batch := reader.read()).offsets:
        assert sum(len(json.dumps(fact)) for fact in batch.facts) < 1.2 * journals.BATCH_BYTES
        told += numbers(batch.facts)
        reader.advance(batch)
    assert told == [-1, *range(40), 99]


@pytest.mark.parametrize("name", ["rank-0.jsonl", "shim.jsonl", "supervisor.jsonl", "exit.json"])
@pytest.mark.parametrize("place", ["nowhere", "rank-0.jsonl", "/dev/zero", "."])
def test_a_link_in_a_journals_place_is_no_journal_and_holds_up_nothing(
    tmp_path: Path, name: str, place: str
) -> None:
    run = RunDir(tmp_path)
    (run.path / name).symlink_to(place)
    append(run.rank_journal(1), line(1))
    reader = Journals(run, {})
    assert numbers(drain(reader)) == [1]
    assert not reader.changed()


@pytest.mark.parametrize("name", ["rank-0.jsonl", "shim.jsonl", "supervisor.jsonl"])
def test_a_journal_without_end_takes_no_memory_and_holds_up_nothing(tmp_path: Path, name: str) -> None:
    run = RunDir(tmp_path)
    append(run.path / name, line(1))
    with (run.path / name).open("r+b") as file:
        file.truncate(1 << 40)
    append(run.rank_journal(1), line(2))
    reader = Journals(run, {})
    told = []
    tracemalloc.start()
    try:
        for _ in range(3):
            batch = reader.read()
            told += numbers(batch.facts)
            reader.advance(batch)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert told == [1, 2]


def test_of_more_journals_than_a_run_has_ranks_the_first_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "MOST_RANKS", 3)
    run = RunDir(tmp_path)
    for rank in (100, 11, 9, 2, 0):
        append(run.rank_journal(rank), line(rank))
    append(run.shim_journal, line(200))
    reader = Journals(run, {})
    assert numbers(drain(reader)) == [0, 2, 9, 200]
    assert not reader.changed()
