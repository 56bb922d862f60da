from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainstop.rundir.atomic_file import read_json, write_json_atomically


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_json_atomically(tmp_path / "a.json", {"a": [1, "é"]})
    assert read_json(tmp_path / "a.json") == {"a": [1, "é"]}
    assert read_json(tmp_path / "b.json") is None
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["a.json"]  # noqa: PTH208


def test_a_fifo_in_a_files_place_hangs_nobody_who_reads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(ValueError, match="no plain file"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("place", ["/dev/zero", "/proc"])
def test_what_has_no_end_is_not_read_by_way_of_a_link(tmp_path: Path, place: str) -> None:
    (tmp_path / "a.json").symlink_to(place)
    with pytest.raises(ValueError, match="no plain file"):
        read_json(tmp_path / "a.json")


def test_a_file_that_is_far_too_large_is_not_taken_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match="larger"):
        read_json(tmp_path / "a.json")


def test_a_file_nested_too_deeply_is_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("trap", ["fifo", "link", "directory"])
def test_nobody_can_lie_in_wait_where_a_file_is_written_first(tmp_path: Path, trap: str) -> None:
    """Who owns the directory may know the writer's pid."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    waiting = tmp_path / f".a.json.{os.getpid()}"
    if trap == "fifo":
        os.mkfifo(waiting)
    elif trap == "link":
        waiting.symlink_to(victim)
    else:
        waiting.mkdir()
    write_json_atomically(tmp_path / "a.json", {"a": 1})
    assert read_json(tmp_path / "a.json") == {"a": 1}
    assert victim.read_text() == "precious"


def test_a_directory_in_a_files_place_keeps_it_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json" / "below").mkdir(parents=True)
    write_json_atomically(tmp_path / "a.json", {"a": 1})
    assert read_json(tmp_path / "a.json") == {"a": 1}


def test_a_name_that_is_taken_is_never_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    (tmp_path / "victim").write_text("precious")
    (tmp_path / f".a.json.{bytes(8).hex()}").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        write_json_atomically(tmp_path / "a.json", {"a": 1})
    assert (tmp_path / "victim").read_text() == "precious"
