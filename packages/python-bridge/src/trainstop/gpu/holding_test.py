"""Whose processes the driver lists, and what it means that it lists them no longer."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainstop.gpu import holding as holding_module
from trainstop.gpu.conftest import GIB, dead_pid
from trainstop.gpu.holding import Holding, Left
from trainstop.rundir.process_identity import process_stat

Listed = tuple[int, int | None]


def answer(*listed: Listed, used: int | None = None, uuid: str = "GPU-0") -> dict[str, Any]:
    """One device. `used`: half a GiB and what the listed hold."""
    processes = [{"pid": pid, "type": "compute", "used_bytes": size} for pid, size in listed]
    device = {"uuid": uuid, "index": 0, "mig": None, "name": "NVIDIA H100", "error": None}
    used = GIB // 2 + sum(size or 0 for _, size in listed) if used is None else used
    sizes = {"used_bytes": used, "total_bytes": 80 * GIB}
    return {"driver_version": "1", "devices": [{**device, **sizes, "processes": processes}]}


@pytest.fixture(autouse=True)
def on_the_machine_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding_module, "in_container", lambda: False)
    monkeypatch.setattr(holding_module, "uses_device", lambda pid: True)


def held_by(pid: int, size: int | None = 23 * GIB, start_ticks: int = 7) -> Holding:
    holding = Holding()
    assert holding.note(answer((pid, size)), {pid: start_ticks})
    return holding


def pids(listed: list[tuple[str, int, int | None]]) -> list[int]:
    return [pid for _, pid, _ in listed]


def test_who_is_listed_still_holds_and_nobody_listed_is_free() -> None:
    pid = dead_pid()
    holding = held_by(pid)
    assert pids(holding.left(answer((pid, GIB))).ours) == [pid]
    assert holding.left(answer()).is_free


def test_a_number_that_was_given_to_somebody_else_is_not_the_runs() -> None:
    pid = dead_pid()
    holding = held_by(pid)
    stat = process_stat(os.getpid())
    assert stat is not None
    holding.processes = {os.getpid(): stat[2] - 1}  # the number lived before, as a process of the run
    left = holding.left(answer((os.getpid(), GIB)))
    assert (left.is_free, pids(left.others)) == (True, [os.getpid()])
    holding.processes = {os.getpid(): stat[2]}
    assert pids(holding.left(answer((os.getpid(), GIB))).ours) == [os.getpid()]


def test_while_the_run_lives_a_reused_number_is_not_taken_for_its_process() -> None:
    holding = Holding()
    assert not holding.note(answer((os.getpid(), GIB)), {os.getpid(): 1})
    assert (holding.devices, holding.others) == ({}, {os.getpid()})


def test_a_dead_process_that_nobody_had_seen_is_the_runs_unless_it_was_listed_before() -> None:
    ours, unseen, old = dead_pid(), 1_000_000_001, 1_000_000_002
    holding = Holding()
    holding.note(answer((ours, GIB), (old, GIB)), {ours: 7})
    left = holding.left(answer((unseen, GIB), (old, GIB)))
    assert (pids(left.ours), pids(left.others)) == ([unseen], [old])


def test_in_a_container_a_number_of_nobody_may_be_anybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    holding = held_by(dead_pid())
    monkeypatch.setattr(holding_module, "in_container", lambda: True)
    assert holding.left(answer((1_000_000_001, GIB))).is_free


def test_in_a_container_a_process_without_a_gpu_open_is_not_the_one_the_driver_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holding_module, "uses_device", lambda pid: False)
    holding = Holding()
    assert not holding.note(answer((11, GIB)), {11: 7})
    assert holding.devices == {}


def test_memory_that_nobody_accounts_for_is_told_when_it_has_grown() -> None:
    holding = held_by(dead_pid())
    assert holding.left(answer(used=GIB // 2 + (200 << 20))).is_free, "the driver's own varies a little"
    left = holding.left(answer(used=GIB // 2 + 23 * GIB))
    assert not left.is_free
    assert left.unlisted == [("GPU 0 (NVIDIA H100)", 23 * GIB)]


def test_memory_that_somebody_else_took_meanwhile_is_his() -> None:
    holding = held_by(dead_pid())
    left = holding.left(answer((os.getpid(), 23 * GIB)))
    assert (left.is_free, pids(left.others)) == (True, [os.getpid()])


def test_where_the_driver_does_not_say_how_much_each_holds_nothing_is_claimed_about_memory() -> None:
    holding = held_by(dead_pid(), size=None)
    assert holding.left(answer(used=70 * GIB)).is_free
    holding = held_by(dead_pid())
    assert holding.left(answer((os.getpid(), None), used=70 * GIB)).is_free


def test_a_device_that_is_gone_or_broken_is_not_free() -> None:
    holding = held_by(dead_pid())
    gone = holding.left(answer(uuid="GPU-9"))
    lost = answer()
    lost["devices"][0].update(uuid=None, error="GPU is lost")
    for left, why in ((gone, "no longer there"), (holding.left(lost), "GPU is lost")):
        assert not left.is_free
        assert why in left.unread[0][1]


def test_news_is_a_device_or_a_process_more() -> None:
    first, second = 1_000_000_011, 1_000_000_012  # beyond what any machine gives
    holding = held_by(first)
    mine = {first: 7, second: 7}
    assert not holding.note(answer((first, 24 * GIB)), mine)
    assert holding.note(answer((first, 24 * GIB), (second, GIB)), mine)
    assert holding.devices["GPU-0"].held_bytes == 25 * GIB
    assert holding.note(answer((first, GIB), uuid="GPU-1"), mine)
    assert set(holding.devices) == {"GPU-0", "GPU-1"}


def summary(left: Left) -> Any:
    return (left.ours, left.others, left.unlisted, left.unread)


_sizes = st.none() | st.integers(0, 80 * GIB)
_pids = st.integers(1_000_000_000, 1_000_000_005)
_listed = st.lists(st.tuples(_pids, _sizes), unique_by=lambda listed: listed[0])
_mine = st.dictionaries(_pids, st.just(7))


@given(before=_listed, mine=_mine, after=_listed)
def test_whoever_reads_what_was_written_down_judges_the_same(
    before: list[Listed], mine: dict[int, int], after: list[Listed]
) -> None:
    holding = Holding()
    holding.note(answer(*before), mine)
    again = Holding.restored(json.loads(json.dumps(holding.fact())))
    assert summary(again.left(answer(*after))) == summary(holding.left(answer(*after)))


@given(before=_listed, mine=_mine, after=_listed)
def test_a_gpu_is_never_told_free_while_a_process_seen_on_it_is_listed(
    before: list[Listed], mine: dict[int, int], after: list[Listed]
) -> None:
    holding = Holding()
    holding.note(answer(*before), mine)
    if {pid for pid, _ in before} & set(mine) & {pid for pid, _ in after}:
        assert not holding.left(answer(*after)).is_free
