"""A save is published whole or not at all, whenever the process dies, whatever the script wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.checkpoints.leftovers import clean_leftovers
from trainstop.checkpoints.published import last_good, published
from trainstop.checkpoints.retention import retain
from trainstop.checkpoints.saving import Save, SaveError
from trainstop.checkpoints.verification import verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from trainstop.checkpoints.manifest import Manifest, MetricValue


def publish(save: Save, metrics: dict[str, MetricValue] | None = None) -> Manifest:
    return save.publish(
        job_id="job_1", attempt=1, epoch=None, reason="manual", metrics=metrics or {}, save_seconds=0.0
    )


def save_one(
    checkpoints: Path, step: int, content: bytes = b"weights", metrics: dict[str, MetricValue] | None = None
) -> str:
    save = Save(checkpoints, step)
    (save.path / "weights.bin").write_bytes(content)
    publish(save, metrics)
    return save.checkpoint_id


def hidden(checkpoints: Path) -> list[str]:
    return [path.name for path in checkpoints.iterdir() if path.name.startswith(".")]


# Saves a second checkpoint and removes the first, and dies by SIGKILL right before its n-th system call.
KILLED_AT_EVERY_CALL = """
import os, shutil, signal, sys
from pathlib import Path
from trainstop.checkpoints.retention import retain
from trainstop.checkpoints.saving import Save
import hashlib, json

calls, fatal = 0, 0

def dying(real):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call

for name in ("open", "mkdir", "write", "fsync", "rename", "unlink", "rmdir", "close"):
    setattr(os, name, dying(getattr(os, name)))

base, trials = Path(sys.argv[1]), Path(sys.argv[2])
for number in range(1, 1000):
    trial = trials / str(number)
    shutil.copytree(base, trial)
    child = os.fork()
    if child == 0:
        calls, fatal = 0, number
        save = Save(trial, 2)
        (save.path / "shards").mkdir()
        (save.path / "shards" / "1.bin").write_bytes(b"one" * 1000)
        (save.path / "weights.bin").write_bytes(b"two" * 1000)
        save.publish(job_id="j", attempt=1, epoch=None, reason="manual", metrics={}, save_seconds=0.0)
        retain(trial, keep=1, known_good=save.checkpoint_id)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        break
    if not os.WIFSIGNALED(status):
        sys.exit("a child failed instead of being killed")
"""


def test_killed_at_any_moment_of_a_save_and_a_removal_a_good_checkpoint_is_left_and_no_bad_one(
    tmp_path: Path,
) -> None:
    base, trials = tmp_path / "base", tmp_path / "trials"
    save_one(base, 1)
    trials.mkdir()
    subprocess.run([sys.executable, "-c", KILLED_AT_EVERY_CALL, str(base), str(trials)], check=True)

    last = [found[0].name for trial in by_number(trials) if (found := last_good(trial))]
    assert len(last) == len(list(trials.iterdir())) > 20
    # First the old one, and from the rename on the new one; never back, never none.
    assert last == sorted(last)
    assert set(last) == {"step-00000001", "step-00000002"}
    for trial in by_number(trials):
        for path in trial.iterdir():
            assert path.name.startswith(".") or verify(path).ok
        # Whatever the killed one left, the next save works, and clears it away.
        again = save_one(trial, 3)
        retain(trial, keep=1, known_good=again)
        assert [path.name for path in trial.iterdir()] == [again]


def by_number(trials: Path) -> list[Path]:
    return sorted(trials.iterdir(), key=lambda path: int(path.name))


def test_every_file_and_directory_is_on_disk_before_the_rename_and_the_manifest_is_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = tmp_path / "checkpoints"
    save = Save(checkpoints, 7)
    (save.path / "a" / "b").mkdir(parents=True)
    (save.path / "a" / "b" / "deep.bin").write_bytes(b"1")
    (save.path / "top.bin").write_bytes(b"2")
    real_fsync, real_rename, done = os.fsync, os.rename, []

    def fsync(descriptor: int) -> None:
        done.append("fsync " + os.path.relpath(Path(f"/proc/self/fd/{descriptor}").readlink(), checkpoints))
        real_fsync(descriptor)

    def rename(source: Path, target: Path) -> None:
        done.append(f"rename {os.path.relpath(target, checkpoints)}")
        real_rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        patched.setattr(os, "rename", rename)
        publish(save)

    here = ".saving-step-00000007"
    manifest = f"rename {here}/trainstop.json"
    assert set(done[: done.index(manifest)]) >= {
        f"fsync {here}/a/b/deep.bin",
        f"fsync {here}/top.bin",
        f"fsync {here}/a/b",
        f"fsync {here}/a",
        f"fsync {here}",
    }
    assert done[done.index(manifest) :] == [manifest, f"fsync {here}", "rename step-00000007", "fsync ."]


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.dictionaries(
        st.lists(
            names.filter(lambda n: n not in (".", "..", "trainstop.json") and len(n.encode()) < 250),
            min_size=1,
            max_size=3,
        ).map("/".join),
        st.binary(max_size=300),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_the_script_writes_is_listed_and_verifies(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    save = Save(checkpoints, 1)
    written = {}
    for name, content in files.items():
        path = save.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue  # one name is another's directory
        written[name] = len(content)
    manifest = publish(save)
    assert {file["path"]: file["bytes"] for file in manifest["files"]} == written
    verification = verify(save.path)
    assert verification.problems == []
    assert verification.extra == []
    shutil.rmtree(checkpoints)


def test_a_name_that_is_no_text_is_saved_and_verified_all_the_same(tmp_path: Path) -> None:
    save = Save(tmp_path, 1)
    Path(os.fsdecode(os.fsencode(save.path) + b"/caf\xe9.bin")).write_bytes(b"x")
    publish(save)
    assert verify(save.path).ok


def test_a_save_in_which_nothing_was_written_is_refused(tmp_path: Path) -> None:
    save = Save(tmp_path, 1)
    (save.path / "empty").mkdir()
    with pytest.raises(SaveError, match="wrote no file"):
        publish(save)
    save.abandon()
    assert list(tmp_path.iterdir()) == []


def test_links_fifos_and_our_own_name_are_refused(tmp_path: Path) -> None:
    makers: list[Callable[[Path], object]] = [
        lambda path: (path / "base.bin").symlink_to("/etc/hostname"),
        lambda path: os.mkfifo(path / "pipe"),
        lambda path: (path / "trainstop.json").write_text("{}"),
    ]
    for number, make in enumerate(makers):
        save = Save(tmp_path, number)
        (save.path / "weights.bin").write_bytes(b"x")
        make(save.path)
        with pytest.raises(SaveError):
            publish(save)
        save.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_step_saved_before_gets_another_id(tmp_path: Path) -> None:
    assert save_one(tmp_path, 500) == "step-00000500"
    assert save_one(tmp_path, 500) == "step-00000500-2"
    assert save_one(tmp_path, 500) == "step-00000500-3"


def test_a_save_that_another_living_process_writes_is_not_a_leftover(tmp_path: Path) -> None:
    save = Save(tmp_path, 1)
    (save.path / "weights.bin").write_bytes(b"x")
    subprocess.run(
        [sys.executable, "-c", CLEANS, str(tmp_path)],
        check=True,
    )
    assert hidden(tmp_path) == [save.path.name]
    other = Save(tmp_path, 1)
    assert other.checkpoint_id == "step-00000001-2"
    other.abandon()
    publish(save)
    assert verify(tmp_path / "step-00000001").ok


CLEANS = """
import sys
from pathlib import Path
from trainstop.checkpoints.leftovers import clean_leftovers
clean_leftovers(Path(sys.argv[1]))
"""


def test_leftovers_of_a_dead_process_are_never_taken_for_checkpoints_and_are_cleared(tmp_path: Path) -> None:
    good = save_one(tmp_path, 1)
    shutil.copytree(tmp_path / good, tmp_path / ".saving-step-00000009")
    shutil.copytree(tmp_path / good, tmp_path / ".removing-step-00000008")
    (tmp_path / ".mine").mkdir()
    assert [path.name for path, _ in published(tmp_path)] == [good]
    clean_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine", good]


def test_a_clock_set_back_does_not_change_which_checkpoint_is_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_one(tmp_path, 100)
    monkeypatch.setattr("trainstop.checkpoints.saving.now", lambda: 1_000_000.0)
    save_one(tmp_path, 200)
    save_one(tmp_path, 50)
    assert [manifest["step"] for _, manifest in published(tmp_path)] == [50, 200, 100]
