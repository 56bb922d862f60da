"""A reader of the control file sees the old command or the new one, never a mixture."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trainstop.rundir.atomic_file import write_atomically
from trainstop.rundir.control import read_control, write_control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand


def command(command_id: str) -> ControlCommand:
    return {
        "id": command_id,
        "action": "cancel",
        "mode": "graceful",
        "created_at": 1.0,
        "term_at": 46.0,
        "deadline": 61.0,
    }


def test_a_command_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write_control(tmp_path / "control.json", command("cmd_1"))
    assert synced == []


def test_what_was_written_is_read_and_none_withdraws_it(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    assert read_control(path) is None
    write_control(path, command("cmd_1"))
    assert read_control(path) == command("cmd_1")
    write_control(path, None)
    assert read_control(path) is None


def test_a_reader_at_any_moment_sees_one_whole_command(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    names = ["short", "x" * 5000]
    write_control(path, command(names[0]))
    done = threading.Event()

    def rewrite() -> None:
        for turn in range(200):
            write_control(path, command(names[turn % 2]))
        done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    while not done.is_set():
        seen = read_control(path)
        assert seen is not None and seen["id"] in names
    writer.join()


KILLED_BEFORE_ITS_RENAME = """
import os, signal, sys
from pathlib import Path
from trainstop.rundir.control import write_control
Path.rename = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
write_control(Path(sys.argv[1]), None)
"""


def test_a_writer_killed_before_the_rename_leaves_the_old_command(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    write_control(path, command("cmd_1"))
    killed = subprocess.run([sys.executable, "-c", KILLED_BEFORE_ITS_RENAME, str(path)], check=False)
    assert killed.returncode == -9
    assert read_control(path) == command("cmd_1")


def test_a_full_disk_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "control.json"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["control.json"]
