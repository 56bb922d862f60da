"""No harm to a checkpoint's files goes unseen; nothing outside is read; nothing is loaded."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.checkpoints.manifest import ManifestError, read_manifest
from trainstop.checkpoints.saving import Save
from trainstop.checkpoints.verification import verify

CONTENT = {"weights.bin": bytes(range(256)) * 5, "optimizer/moments.bin": b"m" * 700}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    save = Save(tmp_path_factory.mktemp("good"), 12)
    for name, content in CONTENT.items():
        (save.path / name).parent.mkdir(exist_ok=True)
        (save.path / name).write_bytes(content)
    save.publish(
        job_id="job_1",
        attempt=2,
        epoch=3,
        reason="cancel",
        metrics={"eval_loss": 0.5, "grad_norm": "NaN"},
        save_seconds=0.1,
    )
    return save.path


@pytest.fixture
def checkpoint(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / good.name))


def change_manifest(checkpoint: Path, **fields: Any) -> None:
    path = checkpoint / "trainstop.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def kinds(checkpoint: Path) -> list[tuple[str, str]]:
    return [(problem.kind, problem.path) for problem in verify(checkpoint).problems]


def test_an_untouched_checkpoint_verifies_and_tells_what_it_is(checkpoint: Path) -> None:
    verification = verify(checkpoint)
    assert verification.ok
    assert verification.manifest is not None
    assert verification.manifest["step"] == 12
    assert verification.manifest["metrics"] == {"eval_loss": 0.5, "grad_norm": "NaN"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(CONTENT)), place=st.integers(0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(good: Path, name: str, place: int, bit: int) -> None:
    path = good / name
    content = bytearray(CONTENT[name])
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        assert kinds(good) == [("content", name)]
        assert verify(good, content=False).ok
    finally:
        path.write_bytes(CONTENT[name])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(CONTENT)), length=st.integers(0, 3000))
def test_any_other_length_is_found_without_reading_the_content(good: Path, name: str, length: int) -> None:
    path = good / name
    if length == len(CONTENT[name]):
        length += 1
    os.truncate(path, length)
    try:
        assert kinds(good) == [("size", name)]
        assert not verify(good, content=False).ok
    finally:
        path.write_bytes(CONTENT[name])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(length=st.integers(0))
def test_a_manifest_cut_short_anywhere_is_no_manifest(good: Path, length: int) -> None:
    path = good / "trainstop.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: length % len(whole)])
    try:
        assert kinds(good) == [("manifest", "trainstop.json")]
    finally:
        path.write_bytes(whole)


def test_a_missing_file_a_missing_directory_and_a_missing_manifest_are_found(checkpoint: Path) -> None:
    (checkpoint / "weights.bin").unlink()
    shutil.rmtree(checkpoint / "optimizer")
    assert kinds(checkpoint) == [("missing", "optimizer/moments.bin"), ("missing", "weights.bin")]
    (checkpoint / "trainstop.json").unlink()
    assert "no save was finished here" in str(verify(checkpoint).problems[0])


def test_no_directory_at_all_is_a_problem_and_not_an_exception(tmp_path: Path) -> None:
    assert not verify(tmp_path / "none").ok
    (tmp_path / "file").write_bytes(b"")
    assert not verify(tmp_path / "file").ok


def test_a_file_that_was_added_later_is_named_and_makes_nothing_worse(checkpoint: Path) -> None:
    (checkpoint / "optimizer" / "notes.txt").write_text("good run")
    verification = verify(checkpoint)
    assert verification.ok
    assert verification.extra == ["optimizer/notes.txt"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "/etc/hostname",
        "a/../../secret",
        "..",
        ".",
        "",
        "a//b",
        "./a",
        "a/",
        "trainstop.json",
        "a\0b",
    ],
)
def test_a_manifest_that_names_a_path_outside_or_in_a_second_spelling_is_refused(
    checkpoint: Path, path: str
) -> None:
    (checkpoint.parent / "secret").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    change_manifest(checkpoint, files=[{"path": path, "bytes": 0, "sha256": empty}])
    assert kinds(checkpoint) == [("manifest", "trainstop.json")]


@pytest.mark.parametrize("linked", ["weights.bin", "optimizer"])
def test_a_link_in_a_files_or_directorys_place_is_not_followed_even_to_the_same_content(
    checkpoint: Path, linked: str
) -> None:
    outside = checkpoint.parent / "outside"
    (checkpoint / linked).rename(outside)
    (checkpoint / linked).symlink_to(outside)
    assert len(kinds(checkpoint)) == 1


def test_a_manifest_that_is_a_link_is_not_followed(checkpoint: Path) -> None:
    outside = checkpoint.parent / "outside.json"
    (checkpoint / "trainstop.json").rename(outside)
    (checkpoint / "trainstop.json").symlink_to(outside)
    assert kinds(checkpoint) == [("manifest", "trainstop.json")]


@pytest.mark.parametrize("name", ["weights.bin", "trainstop.json"])
def test_a_fifo_in_a_files_place_hangs_nobody(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    os.mkfifo(checkpoint / name)
    assert len(kinds(checkpoint)) == 1


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    field=st.sampled_from(
        ["format", "checkpoint_id", "step", "epoch", "saved_at", "save_seconds", "reason", "metrics", "files"]
    ),
    value=st.sampled_from([[], {}, "", "x", 1.5, True, [1], {"a": "b"}, [{"path": "a"}], float("nan")]),
)
def test_a_field_of_the_wrong_kind_is_told_and_never_raises_anything_else(
    good: Path, field: str, value: object
) -> None:
    if (field, value) in (("save_seconds", 1.5), ("metrics", {}), ("checkpoint_id", "x")):
        return
    path = good / "trainstop.json"
    whole = path.read_bytes()
    change_manifest(good, **{field: value})
    try:
        with pytest.raises(ManifestError):
            read_manifest(good)
    finally:
        path.write_bytes(whole)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)

    def __init__(self, target: Path) -> None:
        self.target = target


VERIFIES = """
import sys
from pathlib import Path
from trainstop.checkpoints.verification import verify
print(verify(Path(sys.argv[1])).ok, sorted({"pickle", "numpy", "torch", "zipfile"} & set(sys.modules)))
"""


def test_a_pickle_is_hashed_and_never_loaded(tmp_path: Path) -> None:
    save = Save(tmp_path, 1)
    (save.path / "model.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    save.publish(job_id=None, attempt=None, epoch=None, reason="manual", metrics={}, save_seconds=0.0)
    done = subprocess.run(
        [sys.executable, "-S", "-c", VERIFIES, str(save.path)],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True []\n"
    assert not (tmp_path / "exploded").exists()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_directories_in_the_places_of_files_leave_no_file_open(checkpoint: Path) -> None:
    """A manifest may list any number of them, and who verifies is a server."""
    entry = {"bytes": 0, "sha256": "0" * 64}
    for number in range(50):
        (checkpoint / f"d{number}").mkdir()
    change_manifest(checkpoint, files=[{"path": f"d{number}", **entry} for number in range(50)])
    before = open_files()
    assert kinds(checkpoint) == [("not_a_file", f"d{number}") for number in range(50)]
    (checkpoint / "trainstop.json").unlink()
    (checkpoint / "trainstop.json").mkdir()
    for _ in range(50):
        assert kinds(checkpoint) == [("manifest", "trainstop.json")]
    assert open_files() <= before


def test_directories_without_end_in_a_checkpoint_hold_nobody_up(checkpoint: Path) -> None:
    below = str(checkpoint)
    for _ in range(1500):
        below += "/d"
        os.mkdir(below)  # noqa: PTH102 - pathlib's own way is a recursion
    Path(below, "note").touch()
    try:
        verification = verify(checkpoint)
        assert verification.ok
        assert verification.extra == ["d/" * 1500 + "note"]
    finally:
        subprocess.run(["rm", "-rf", str(checkpoint / "d")], check=True)  # deeper than shutil goes


def test_of_a_large_checkpoint_the_bytes_are_not_read_whatever_else_says_how_large_it_is(
    checkpoint: Path,
) -> None:
    (checkpoint / "weights.bin").write_bytes(bytes(len(CONTENT["weights.bin"])))
    total = sum(len(content) for content in CONTENT.values())
    assert verify(checkpoint, largest=total - 1).ok
    assert not verify(checkpoint, largest=total).ok
