from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainstop.server.data_directory import DataDirectoryInUseError, claim


def test_a_directory_is_claimed_once_until_it_is_let_go(tmp_path: Path) -> None:
    first = claim(tmp_path)
    with pytest.raises(DataDirectoryInUseError, match="Another Trainstop server works in"):
        claim(tmp_path)
    os.close(first)
    os.close(claim(tmp_path))


def test_a_directory_of_somebody_elses_is_not_worked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token that lies in it could be one that its owner knows."""
    (tmp_path / "token").write_text("a-token-that-somebody-knows\n")
    monkeypatch.setattr("trainstop.server.data_directory.os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(DataDirectoryInUseError, match="belongs to another user"):
        claim(tmp_path)
    assert not (tmp_path / "server.lock").exists()


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_directory_that_anybody_can_write_to_is_not_worked_in(tmp_path: Path, mode: int) -> None:
    """Nor is /tmp closed to everybody by who names it."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    data_dir.chmod(mode)
    with pytest.raises(DataDirectoryInUseError, match="Anybody on this machine"):
        claim(data_dir)
    assert data_dir.stat().st_mode & 0o7777 == mode


def test_a_link_in_the_locks_place_makes_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "server.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        claim(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
