"""What a run is resumed from is looked at on the disk once more, and nobody else waits for that."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from trainstop.checkpoints.verification import Verification, verify
from trainstop.server.jobs import resume_source
from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal

PATIENCE_SECONDS = 60.0


def saved(desk: Desk, count: int, losses: tuple[Any, ...] = (), end: str = "paused") -> tuple[str, list[str]]:
    """A paused or cancelled job with checkpoints; those losses belong to them."""
    job_id = desk.running()
    if losses:
        desk.attach(job_id, best={"metric": "loss", "mode": "min"})
    metrics = [{"loss": loss} for loss in losses] or [{} for _ in range(count)]
    ids = [desk.save(job_id, metrics=each) for each in metrics]
    if end == "paused":
        desk.pause(job_id)
    else:
        desk.cancel(job_id)
    desk.obey(job_id, save=False)
    return job_id, ids


def refused(desk: Desk, job_id: str, **options: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        desk.resume(job_id, **options)
    assert refusal.value.code == "no_checkpoint"
    return refusal.value


@pytest.mark.parametrize("end", ["paused", "cancelled"])
def test_last_falls_back_to_the_next_good_one_and_says_so(desk: Desk, end: str) -> None:
    job_id, (first, second, third) = saved(desk, 3, end=end)
    desk.damage(job_id, third)
    command = desk.resume(job_id)["command"]
    assert command["from"] == second
    assert f"{third} is damaged (weights.bin has 3 bytes; 7 were saved)." in command["message"]
    listed = {each["id"]: each["verified"] for each in desk.jobs.checkpoints(job_id, None)}
    assert listed == {first: True, second: True, third: False}
    assert desk.job(job_id)["last_checkpoint"]["id"] == second


def test_what_was_passed_over_is_still_told_when_the_process_runs(desk: Desk) -> None:
    job_id, (_, second) = saved(desk, 2)
    desk.damage(job_id, second)
    desk.resume(job_id)
    desk.run(job_id)
    assert f"{second} is damaged" in desk.command(job_id)["message"]


def test_a_named_one_that_was_damaged_is_refused_with_what_is_wrong(desk: Desk) -> None:
    job_id, (first, second) = saved(desk, 2)
    desk.damage(job_id, second)
    refusal = refused(desk, job_id, **{"from": second})
    assert f"The checkpoint {second} is damaged: weights.bin has 3 bytes; 7 were saved." in str(refusal)
    assert desk.status(job_id) == "paused"
    assert desk.resume(job_id, **{"from": first})["command"]["from"] == first


def test_where_none_is_left_that_is_said_with_the_reason(desk: Desk) -> None:
    job_id, ids = saved(desk, 2)
    for id_ in ids:
        desk.damage(job_id, id_)
    refusal = refused(desk, job_id)
    assert all(f"{id_} is damaged" in str(refusal) for id_ in ids)
    assert not desk.job(job_id)["capabilities"]["resume"]["allowed"]


def test_one_with_other_content_of_the_same_size_is_damaged_too(desk: Desk) -> None:
    job_id, (first, second) = saved(desk, 2)
    (desk.checkpoints(job_id) / second / "weights.bin").write_text("WEIGHTS")
    assert desk.resume(job_id)["command"]["from"] == first


def test_of_one_too_large_to_read_while_somebody_waits_sizes_are_compared(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what lies on the disk: what the run once said of its size counts for nothing."""
    for largest, is_read in ((len("weights"), True), (len("weights") - 1, False)):
        monkeypatch.setattr(resume_source, "REREAD_BYTES", largest)
        job_id, (checkpoint_id,) = saved(desk, 1)
        (desk.checkpoints(job_id) / checkpoint_id / "weights.bin").write_text("WEIGHTS")
        if is_read:
            with pytest.raises(Refusal, match="is damaged"):
                desk.resume(job_id)
        else:
            assert desk.resume(job_id)["outcome"] == "accepted"


def test_while_a_checkpoint_is_read_the_store_serves_everybody_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, (id_,) = saved(desk, 1)
    other = desk.running()
    reading, go_on = threading.Event(), threading.Event()

    def slow(path: Path, *, largest: int) -> Verification:
        reading.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return verify(path, largest=largest)

    monkeypatch.setattr(resume_source, "verify", slow)
    answers: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(desk.resume(job_id)))
    thread.start()
    assert reading.wait(PATIENCE_SECONDS)
    assert desk.cancel(other)["job"]["status"] == "stopping"
    assert desk.status(job_id) == "paused"
    go_on.set()
    thread.join(PATIENCE_SECONDS)
    assert answers[0]["command"]["from"] == id_


def test_what_changed_while_it_was_read_is_decided_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, (first, second) = saved(desk, 2)

    def changing(path: Path, *, largest: int) -> Verification:
        desk.cancel(job_id)
        return verify(path, largest=largest)

    monkeypatch.setattr(resume_source, "verify", changing)
    answer = desk.resume(job_id)  # it was cancelled meanwhile: so a new job goes on
    assert answer["job"]["id"] != job_id
    assert answer["command"]["from"] == second
    assert first != second


def test_the_best_is_by_the_metric_that_the_run_names(desk: Desk) -> None:
    job_id, ids = saved(desk, 4, losses=(0.4, 0.1, "NaN", 0.3))
    job = desk.job(job_id)
    assert (job["best_checkpoint"]["id"], job["last_checkpoint"]["id"]) == (ids[1], ids[3])
    assert desk.resume(job_id, **{"from": "best"})["command"]["from"] == ids[1]


def test_the_best_is_chosen_anew_when_it_is_removed_or_found_damaged(desk: Desk) -> None:
    job_id = desk.running()
    desk.attach(job_id, best={"metric": "loss", "mode": "max"})
    ids = [desk.save(job_id, metrics={"loss": loss}) for loss in (0.5, 0.9, 0.7, 0.1)]
    desk.tell(job_id, "rank-0", "checkpoint_removed", checkpoint_id=ids[1])
    assert desk.job(job_id)["best_checkpoint"]["id"] == ids[2]
    desk.pause(job_id)
    desk.obey(job_id, save=False)
    desk.damage(job_id, ids[2])
    command = desk.resume(job_id, **{"from": "best"})["command"]
    assert command["from"] == ids[0]
    assert f"{ids[2]} is damaged" in command["message"]


def test_without_a_metric_or_without_its_value_there_is_no_best(desk: Desk) -> None:
    job_id, _ = saved(desk, 1)
    assert "names a best_metric" in str(refused(desk, job_id, **{"from": "best"}))
    assert desk.job(job_id)["best_checkpoint"] is None
    unmeasured, _ = saved(desk, 1, losses=("NaN",))
    assert "has a loss" in str(refused(desk, unmeasured, **{"from": "best"}))


def test_a_job_that_goes_on_from_a_stopped_one_has_the_same_measure(desk: Desk) -> None:
    job_id, ids = saved(desk, 2, losses=(0.1, 0.2), end="cancelled")
    new = desk.resume(job_id, **{"from": "best"})["job"]
    assert new["resumed_from"] == {"job_id": job_id, "checkpoint_id": ids[0]}
    assert desk.spec(new["id"])["best"] == {"metric": "loss", "mode": "min"}


def test_a_best_that_makes_no_sense_is_passed_over(desk: Desk) -> None:
    job_id = desk.running()
    for best in (
        "loss",
        {"metric": "loss"},
        {"metric": "", "mode": "min"},
        {"metric": "loss", "mode": "least"},
    ):
        desk.attach(job_id, best=best)
    desk.save(job_id)
    assert desk.job(job_id)["best_checkpoint"] is None
