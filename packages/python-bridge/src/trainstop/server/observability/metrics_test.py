from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from trainstop.server.jobs.states import STATUSES
from trainstop.server.observability import metrics as module
from trainstop.server.observability.metrics import Metrics
from trainstop.server.routes.conftest import TOKEN, Site, serving, site
from trainstop.server.routes.stream_counts import StreamCounts
from trainstop.server.security.token import Token
from trainstop.server.store.database import StoreError

__all__ = ["site"]


@pytest.fixture(autouse=True)
def jobs_are_counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOBS_ARE_COUNTED_AGAIN_AFTER_SECONDS", 0.0)


def url_of(site: Site) -> str:
    return f"http://127.0.0.1:{site.port}/metrics"


def families(site: Site) -> Iterable[Metric]:
    answer = site.client.get(url_of(site))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return text_string_to_metric_families(answer.text)


def value(site: Site, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in families(site)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {TOKEN}"])
def test_metrics_are_never_open(site: Site, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.get(url_of(site), headers=headers, timeout=60)
    assert answer.status_code == 401 and "trainstop_" not in answer.text


def test_another_host_name_or_page_gets_nothing(site: Site) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert site.client.get(url_of(site), headers=headers).status_code == 403


def test_a_token_of_its_own_opens_metrics_and_nothing_else(tmp_path: Path) -> None:
    own = "only-for-prometheus-0123"
    with serving(tmp_path, metrics_token=Token(own)) as (site, _):
        headers = {"Authorization": f"Bearer {own}"}
        assert site.client.get(url_of(site), headers=headers).status_code == 200
        assert site.client.get(f"{site.url}/jobs", headers=headers).status_code == 401
        assert site.client.get(url_of(site)).status_code == 401


def test_no_label_takes_what_somebody_made_up(site: Site) -> None:
    made_up = "made-up-1234"
    job_id = site.desk.running(owner=f"{made_up}-owner")
    site.client.post(f"/cancel/{job_id}", json={"mode": made_up}, headers={"Idempotency-Key": made_up})
    site.client.post(f"/cancel/{job_id}", json={"mode": "force", "note": made_up})
    site.client.request("MADEUP", f"/jobs/{job_id}")
    site.client.get(f"/{made_up}")
    site.client.get(f"/jobs/{made_up}?status={made_up}", headers={"X-Request-Id": made_up})
    site.server.metrics.asked(made_up, made_up, made_up)
    site.server.metrics.supervised(made_up)
    site.server.metrics.request(None, made_up, 200, 0.1)
    known = (
        *(module.ACTIONS | module.MODES | module.OUTCOMES | module.ENDS | module.STAGES | module.METHODS),
        *(module.SUPERVISED | {*STATUSES} | {module.OTHER, "none", "read", "write"}),
    )
    for family in families(site):
        if not family.name.startswith("trainstop_") or family.name == "trainstop_build_info":
            continue
        for sample in family.samples:
            for name, label in sample.labels.items():
                if name == "route":
                    assert (
                        label == "none"
                        or "{" in label
                        or label in ("/api/training", "/jobs", "/health", "/metrics")
                    )
                elif (
                    name not in ("le", "status") or not label.replace("+Inf", "0").replace(".", "").isdigit()
                ):
                    assert label in known, (family.name, name, label)


def test_a_request_is_counted_by_its_routes_template(site: Site) -> None:
    job_id = site.desk.running()
    labels = {"route": "/jobs/{job_id}", "method": "GET", "status": "200"}
    before = value(site, "trainstop_http_request_seconds_count", **labels)
    site.client.get(f"/jobs/{job_id}")
    assert value(site, "trainstop_http_request_seconds_count", **labels) == before + 1


def test_what_is_refused_is_counted_too(site: Site) -> None:
    before = value(site, "trainstop_commands_total", action="pause", outcome="refused")
    job_id = site.desk.stopped()
    assert site.client.post(f"/pause/{job_id}").status_code == 409
    assert value(site, "trainstop_commands_total", action="pause", outcome="refused") == before + 1


def test_readers_of_streams_are_counted_while_they_read(site: Site) -> None:
    job_id = site.desk.running()
    delivered = value(site, "trainstop_events_delivered_total")
    resets = value(site, "trainstop_stream_resets_total")
    with site.client.stream("GET", f"/jobs/{job_id}/events?cursor=0.0") as stream:
        lines = stream.iter_lines()
        while "event: job" not in next(lines):
            pass
        assert value(site, "trainstop_stream_readers") == 1
        assert value(site, "trainstop_events_delivered_total") >= delivered + 2
        assert value(site, "trainstop_stream_resets_total") == resets + 1
        site.desk.cancel(job_id)
        site.desk.obey(job_id)
        for _ in lines:
            pass
    assert value(site, "trainstop_stream_readers") == 0


def test_transactions_are_timed_and_those_that_the_store_failed_counted(site: Site) -> None:
    names = ("trainstop_store_seconds_count", "trainstop_store_errors_total")
    before = [value(site, name, kind="write") for name in names]
    site.desk.start()
    with pytest.raises(StoreError), site.server.database.write():
        raise StoreError("the disk is gone")
    with pytest.raises(KeyError), site.server.database.write():
        raise KeyError("no fault of the store's")
    after = [value(site, name, kind="write") for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 1]


def test_while_the_store_is_away_everything_else_is_told() -> None:
    def away() -> dict[str, int]:
        raise StoreError("away")

    text = Metrics(StreamCounts(), away).text().decode()
    assert "trainstop_jobs{" not in text
    assert "trainstop_build_info{" in text and "process_open_fds" in text


def test_jobs_are_counted_once_for_many_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOBS_ARE_COUNTED_AGAIN_AFTER_SECONDS", 3600.0)
    counts: list[int] = []

    def count() -> dict[str, int]:
        counts.append(1)
        return {"running": 3}

    metrics = Metrics(StreamCounts(), count)
    for _ in range(5):
        assert 'trainstop_jobs{status="running"} 3.0' in metrics.text().decode()
    assert len(counts) == 1


def test_no_event_is_counted_for_what_stands_in_its_json() -> None:
    counts = StreamCounts()
    counts.sent(b'id: 1.2\nevent: job\ndata: {"note":"\\ndata: event: reset\\n"}\n\n: here\n\n')
    counts.sent(b"event: reset\ndata: {}\n\nevent: job\ndata: {}\n\n")
    assert (counts.delivered, counts.resets) == (3, 1)
