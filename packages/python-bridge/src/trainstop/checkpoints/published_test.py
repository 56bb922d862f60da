"""The last good checkpoint is the newest that verifies, by what the manifests say."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.checkpoints.published import last_good, published
from trainstop.checkpoints.saving_test import save_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pytest


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(st.integers(1, 10**9), min_size=1, max_size=6),
    damaged=st.sets(st.integers(0, 5)),
)
def test_it_is_the_last_saved_of_those_that_verify_whatever_the_steps_and_names(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], damaged: set[int]
) -> None:
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    ids = [save_one(checkpoints, step) for step in steps]
    for index in damaged:
        if index < len(ids):
            (checkpoints / ids[index] / "weights.bin").write_bytes(b"WEIGHTS")
    whole = [name for index, name in enumerate(ids) if index not in damaged]
    found = last_good(checkpoints)
    assert (found[0].name if found else None) == (whole[-1] if whole else None)
    assert [path.name for path, _ in published(checkpoints)] == ids[::-1]
    shutil.rmtree(checkpoints)


def test_without_a_folder_or_with_an_empty_one_there_is_none(tmp_path: Path) -> None:
    assert last_good(tmp_path / "none") is None
    assert last_good(tmp_path) is None


def test_a_copy_under_another_name_and_folders_of_others_are_passed_over(tmp_path: Path) -> None:
    name = save_one(tmp_path, 1)
    shutil.copytree(tmp_path / name, tmp_path / "step-00000009")
    (tmp_path / "checkpoint-99999").mkdir()
    (tmp_path / "notes.txt").write_text("")
    assert [path.name for path, _ in published(tmp_path)] == [name]
