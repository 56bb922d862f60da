"""Older checkpoints go; the only good one never does."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.checkpoints.published import last_good, published
from trainstop.checkpoints.retention import retain
from trainstop.checkpoints.saving_test import save_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pytest

    from trainstop.checkpoints.manifest import MetricValue


def ids(checkpoints: Path) -> list[str]:
    return sorted(path.name for path in checkpoints.iterdir())


def test_the_newest_three_are_kept_unless_told_otherwise(tmp_path: Path) -> None:
    names = [save_one(tmp_path, step) for step in (1, 2, 3, 4, 5)]
    assert retain(tmp_path) == names[:2]
    assert ids(tmp_path) == names[2:]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    count=st.integers(1, 7),
    flipped=st.sets(st.integers(0, 6)),
    cut=st.sets(st.integers(0, 6)),
    keep=st.integers(-1, 4),
)
def test_whatever_is_damaged_the_last_good_one_is_the_same_after_as_before(
    tmp_path_factory: pytest.TempPathFactory, count: int, flipped: set[int], cut: set[int], keep: int
) -> None:
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    names = [save_one(checkpoints, step) for step in range(count)]
    for index, name in enumerate(names):
        if index in flipped:
            (checkpoints / name / "weights.bin").write_bytes(b"WEIGHTS")
        if index in cut:
            (checkpoints / name / "weights.bin").write_bytes(b"we")
    before = last_good(checkpoints)
    removed = retain(checkpoints, keep=keep)
    after = last_good(checkpoints)
    assert (after and after[0]) == (before and before[0])
    assert sorted(removed + ids(checkpoints)) == names
    shutil.rmtree(checkpoints)


def test_one_that_was_cut_short_does_not_count_as_kept(tmp_path: Path) -> None:
    names = [save_one(tmp_path, step) for step in (1, 2, 3)]
    (tmp_path / names[1] / "weights.bin").unlink()
    assert retain(tmp_path, keep=2, known_good=names[2]) == []
    assert ids(tmp_path) == names


def test_only_the_removable_and_never_the_protected_go(tmp_path: Path) -> None:
    names = [save_one(tmp_path, step) for step in (1, 2, 3, 4)]
    assert retain(tmp_path, keep=1, protected=[names[0]], removable=names[:2]) == [names[1]]
    assert [path.name for path, _ in published(tmp_path)] == [names[3], names[2], names[0]]


def test_folders_without_a_manifest_are_not_ours(tmp_path: Path) -> None:
    (tmp_path / "my-notes").mkdir()
    for step in (1, 2):
        save_one(tmp_path, step)
    retain(tmp_path, keep=1)
    assert ids(tmp_path) == ["my-notes", "step-00000002"]


def test_the_best_is_kept_however_old_and_a_damaged_one_is_not_the_best(tmp_path: Path) -> None:
    losses: list[MetricValue] = [0.9, 0.2, 0.3, 0.5, "NaN", 0.6, 0.7]
    names = [save_one(tmp_path, step, metrics={"loss": loss}) for step, loss in enumerate(losses)]
    assert retain(tmp_path, keep=2, best=("loss", "min")) == [names[0], *names[2:5]]
    assert ids(tmp_path) == [names[1], *names[5:]]
    (tmp_path / names[1] / "weights.bin").write_bytes(b"we")
    later = save_one(tmp_path, 9, metrics={"loss": 0.8})
    assert retain(tmp_path, keep=1, best=("loss", "min")) == [names[1], names[6]]
    assert ids(tmp_path) == [names[5], later]
    assert retain(tmp_path, keep=1, best=("loss", "max")) == [names[5]]
    assert retain(tmp_path, keep=1, best=("accuracy", "max")) == []
