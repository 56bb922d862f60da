"""A poke wakes who listens, and costs whoever pokes nothing when nobody does."""

from __future__ import annotations

import select
import stat
from pathlib import Path

from trainstop.rundir.wake import WakeFile, poke


def is_readable(wake: WakeFile) -> bool:
    return bool(select.select([wake], [], [], 0)[0])


def test_a_poke_wakes_the_listener_until_it_has_drained(tmp_path: Path) -> None:
    wake = WakeFile(tmp_path / "rank-0.wake")
    assert not is_readable(wake)
    assert poke(tmp_path / "rank-0.wake")
    assert is_readable(wake)
    wake.drain()
    assert not is_readable(wake)
    wake.close()


def test_a_poke_where_nobody_listens_says_so(tmp_path: Path) -> None:
    assert not poke(tmp_path / "rank-0.wake")
    wake = WakeFile(tmp_path / "rank-0.wake")
    wake.close()
    assert not poke(tmp_path / "rank-0.wake")


def test_a_listener_that_comes_back_uses_the_same_file_and_hears_again(tmp_path: Path) -> None:
    WakeFile(tmp_path / "rank-0.wake").close()
    wake = WakeFile(tmp_path / "rank-0.wake")
    assert stat.S_ISFIFO((tmp_path / "rank-0.wake").stat().st_mode)
    assert poke(tmp_path / "rank-0.wake")
    assert is_readable(wake)
    wake.close()


def test_pokes_that_nobody_reads_neither_block_nor_fail(tmp_path: Path) -> None:
    wake = WakeFile(tmp_path / "rank-0.wake")
    for _ in range(70_000):  # more than a pipe holds
        assert poke(tmp_path / "rank-0.wake")
    wake.drain()
    assert not is_readable(wake)
    wake.close()
