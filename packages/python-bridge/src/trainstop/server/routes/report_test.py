"""A run's reports: once, in order, about itself alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from trainstop.checkpoints.saving import Save
from trainstop.rundir.layout import RunDir
from trainstop.server.app import WORKER_KEY_NAME
from trainstop.server.routes.conftest import PROTOCOL, WAIT_SECONDS, Site
from trainstop.server.security.worker_token import WorkerTokens, read_worker_key


class Run:
    """A running job's process, as far as it reports."""

    def __init__(self, site: Site, *, owner: str | None = None) -> None:
        self.site = site
        job_id = self.job_id = site.desk.start(owner)
        assert site.desk.jobs.claim_launch(job_id, 1)
        site.desk.tell(job_id, "supervisor", "launched")
        site.desk.tell(job_id, "shim", "started", pid=7, start_ticks=1)
        self.token = WorkerTokens(read_worker_key(site.data_dir / WORKER_KEY_NAME)).token(job_id, 1)
        self.run_dir = RunDir.of(site.data_dir, job_id, 1)

    def post(
        self, *facts: dict[str, Any], offset: int = 0, rank: int = 0, attempt: int = 1
    ) -> httpx.Response:
        return httpx.post(
            f"{self.site.url}/jobs/{self.job_id}/report",
            json={"attempt": attempt, "rank": rank, "offset": offset, "facts": facts},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=WAIT_SECONDS,
        )

    def report(self, *facts: dict[str, Any], offset: int = 0) -> dict[str, Any]:
        response = self.post(*facts, offset=offset)
        assert response.status_code == 200, response.text
        PROTOCOL.check("ReportAnswer", response.json())
        value: dict[str, Any] = response.json()
        return value

    def refused(self, *facts: dict[str, Any], offset: int = 0, **more: int) -> tuple[int, str]:
        seq = self.site.desk.job(self.job_id)["seq"]
        response = self.post(*facts, offset=offset, **more)
        PROTOCOL.check("Error", response.json())
        assert self.site.desk.job(self.job_id)["seq"] == seq, "a refused report changes nothing"
        return response.status_code, response.json()["error"]

    def job(self) -> dict[str, Any]:
        return self.site.desk.job(self.job_id)


ROWS = {"type": "metrics", "rows": [[1, None, 1_800_000_000.0, {"loss": 0.5}]]}


def step(number: int) -> dict[str, Any]:
    return {"type": "progress", "step": number, "epoch": None}


def rows(run: Run) -> int:
    return len(run.site.desk.jobs.metrics(run.job_id, None)[1]["step"])


def test_what_is_reported_is_told_like_what_is_journaled(site: Site) -> None:
    run = Run(site)
    answer = run.report({"type": "attached", "total_steps": 10}, step(3), ROWS)
    assert (answer["next_offset"], answer["command"]) == (3, None)
    assert (run.job()["progress"]["step"], run.job()["progress"]["step_total"]) == (3, 10)
    assert run.job()["latest_metrics"]["loss"]["value"] == 0.5


def test_a_report_that_is_sent_again_counts_once(site: Site) -> None:
    run = Run(site)
    for _ in range(3):
        assert run.report(ROWS, ROWS)["next_offset"] == 2
    assert rows(run) == 2
    assert run.report(ROWS, ROWS, ROWS, offset=1)["next_offset"] == 4, "two of these were there already"
    assert rows(run) == 4


def test_facts_beyond_a_gap_wait_for_those_in_it(site: Site) -> None:
    run = Run(site)
    assert run.report(ROWS, offset=5)["next_offset"] == 0
    assert rows(run) == 0


def test_a_run_hears_what_is_asked_of_it_and_its_acknowledgement_is_told(site: Site) -> None:
    run = Run(site)
    run.report({"type": "attached"})
    site.desk.cancel(run.job_id)
    command = run.report(offset=1)["command"]
    assert (command["action"], command["mode"]) == ("cancel", "graceful")
    run.report({"type": "acknowledged", "command_id": command["id"], "step": 3}, offset=1)
    assert site.desk.receipts(run.job_id)["acknowledged"] == "done"


def test_a_checkpoint_is_believed_when_the_server_finds_it_whole(site: Site) -> None:
    run = Run(site)
    run.run_dir.checkpoints.mkdir(parents=True)
    saving = Save(run.run_dir.checkpoints, 3)
    (saving.path / "weights").write_bytes(b"weights")
    saving.publish(job_id=run.job_id, attempt=1, epoch=None, reason="manual", metrics={}, save_seconds=0.1)
    fact = {
        **{"type": "checkpoint", "checkpoint_id": saving.checkpoint_id, "step": 3, "epoch": None},
        **{"bytes": 7, "files": 1, "save_seconds": 0.1, "reason": "manual", "metrics": {}},
        **{"path": "/etc/passwd", "verified": True, "command_id": None},
    }
    assert run.report(fact)["next_offset"] == 1
    told = run.job()["last_checkpoint"]
    assert told["verified"] and told["path"] == str(run.run_dir.checkpoints / saving.checkpoint_id)
    removed = {"type": "checkpoint_removed", "checkpoint_id": saving.checkpoint_id}
    assert run.refused(removed, offset=1)[0] == 422
    (run.run_dir.checkpoints / saving.checkpoint_id / "weights").write_bytes(b"other")
    status, sentence = run.refused(fact, offset=1)
    assert status == 422 and "does not verify" in sentence and "weights" in sentence


@pytest.mark.parametrize("id_", ["step-00000009", "../../../etc", "", None, "a" * 65])
def test_a_checkpoint_that_is_not_there_is_refused_plainly(site: Site, id_: str | None) -> None:
    fact = {"type": "checkpoint", "checkpoint_id": id_, "verified": True}
    assert Run(site).refused(step(1), fact)[0] == 422


@pytest.mark.parametrize(
    "type_", ["tree_gone", "main_exited", "exited", "launched", "resources", "x", None, 3]
)
def test_only_facts_of_a_run_are_taken(site: Site, type_: Any) -> None:
    assert Run(site).refused({"type": type_, "exit_code": 0})[0] == 422


def test_a_fact_cannot_speak_in_anothers_name(site: Site) -> None:
    run = Run(site)
    run.report({"type": "left", "reason": "finished", "source": "shim"})
    run.report({**step(7), "source": "rank-5"}, offset=1)
    assert run.job()["progress"]["step"] == 7, "still rank 0's"


def test_another_attempt_another_run_and_one_that_is_over_are_refused(site: Site) -> None:
    run, other = Run(site), Run(site)
    assert run.refused(attempt=2)[0] == 422
    run.job_id, own = other.job_id, run.job_id
    assert run.refused()[0] == 404
    run.job_id = own
    site.desk.exit(own)
    status, sentence = run.refused(step(1))
    assert status == 401 and "over" in sentence


def test_a_rank_that_keeps_a_journal_counts_by_that_alone(site: Site) -> None:
    run = Run(site)
    told = {"at": "2027-01-01T00:00:00Z", "source": "rank-0", **ROWS}
    site.desk.jobs.record(run.job_id, 1, [told], {"rank-0.jsonl": 100})
    assert run.refused(ROWS)[0] == 409
    assert rows(run) == 1


def test_nonsense_in_a_fact_is_passed_over_and_more_than_too_much_is_refused(site: Site) -> None:
    run = Run(site)
    nonsense: list[dict[str, Any]] = [
        {"type": "metrics", "rows": "x"},
        {"type": "progress", "step": {"a": []}},
        {"type": "acknowledged"},
        {"type": "attached", "total_steps": 2**70},
    ]
    assert run.report(*nonsense)["next_offset"] == 4
    assert run.job()["status"] == "running"
    assert run.post(*[{"type": "saving"}] * 1001).status_code == 422
    assert run.post({"type": "saving", "note": "x" * 600_000}).status_code == 413
