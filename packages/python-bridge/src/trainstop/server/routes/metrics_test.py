from __future__ import annotations

from trainstop.server.routes.conftest import Site


def test_metrics_come_as_columns_with_the_seq_they_reach_to(site: Site) -> None:
    job_id = site.desk.running()
    moment = site.desk.clock()
    rows = [[step, 1, moment, {"loss": 1 / step}] for step in range(1, 101)]
    site.desk.tell(job_id, "rank-0", "metrics", rows=rows)
    answer = site.get(f"/jobs/{job_id}/metrics", "MetricsAnswer")
    assert answer["seq"] == site.desk.job(job_id)["seq"]
    assert answer["columns"]["step"] == list(range(1, 101))
    fewer = site.get(f"/jobs/{job_id}/metrics", "MetricsAnswer", params={"max_points": 10})
    assert len(fewer["columns"]["step"]) == len(fewer["columns"]["values"]["loss"]) <= 10
    assert (fewer["columns"]["step"][0], fewer["columns"]["step"][-1]) == (1, 100)
    site.get(f"/jobs/{job_id}/metrics", "Error", status=422, params={"max_points": 1})


def test_a_job_without_metrics_has_empty_columns(site: Site) -> None:
    answer = site.get(f"/jobs/{site.desk.start()}/metrics", "MetricsAnswer")
    assert answer["columns"]["values"] == {} and answer["columns"]["step"] == []
