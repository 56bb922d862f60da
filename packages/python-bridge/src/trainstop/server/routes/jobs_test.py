from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from trainstop.server.routes.conftest import Site
from trainstop.server.supervision.conftest import until

NOT_AN_ID = ["..", "a.b", "a%20b", "a" * 65, "%00", "ä", "a%0A"]


def test_a_job_is_started_from_a_template(site: Site) -> None:
    body = {"template": "digits", "name": "Ada's run", "params": {"epochs": 3}}
    job = site.post("/jobs", "JobAnswer", status=201, json=body)["job"]
    assert (job["name"], job["params"]) == ("Ada's run", {"epochs": 3, "note": "none"})
    assert site.get(f"/jobs/{job['id']}", "JobAnswer")["job"] == job


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"template": "rm"}, "template"),
        ({"template": "../x"}, "template"),
        ({}, "template"),
        ({"template": "digits", "name": ""}, "name"),
        ({"template": "digits", "name": "a\nb"}, "name"),
        ({"template": "digits", "params": []}, "params"),
        ({"template": "digits", "params": {"epochs": 1000}}, "params.epochs"),
        ({"template": "digits", "params": {"epochs": None}}, "params.epochs"),
        ({"template": "digits", "params": {"shell": "rm -rf"}}, "params.shell"),
        ({"template": "digits", "params": {"note": "-c"}}, "params.note"),
    ],
)
def test_what_is_not_allow_listed_starts_nothing(site: Site, body: dict[str, Any], field: str) -> None:
    before = site.get("/jobs", "JobsAnswer", params={"limit": 1})
    error = site.post("/jobs", "Error", status=422, json=body)
    assert (error["code"], error["field"]) == ("invalid_request", field)
    assert site.get("/jobs", "JobsAnswer", params={"limit": 1}) == before


def test_pages_list_every_job_once_newest_first(site: Site) -> None:
    ids = [site.desk.start("pages") for _ in range(5)]
    headers = {"Trainstop-Owner": "pages"}
    listed: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = site.get("/jobs", "JobsAnswer", params=params, headers=headers)
        listed += [job["id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        site.desk.start("pages")  # what is new meanwhile disturbs nobody
    assert listed == ids[::-1]


def test_jobs_are_listed_by_status(site: Site) -> None:
    running, paused = site.desk.running("filter"), site.desk.running("filter")
    site.desk.pause(paused)
    headers = {"Trainstop-Owner": "filter"}
    for status, expected in (("running", [running]), ("pausing,running", [paused, running]), ("failed", [])):
        page = site.get("/jobs", "JobsAnswer", params={"status": status}, headers=headers)
        assert [job["id"] for job in page["jobs"]] == expected


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "cursor=1", "cursor=before-x", "status=dead"]
)
def test_a_listing_that_makes_no_sense_is_refused(site: Site, query: str) -> None:
    error = site.get(f"/jobs?{query}", "Error", status=422)
    assert error["field"] == query.partition("=")[0]


def test_the_etag_rises_with_status_and_command_only(site: Site) -> None:
    job_id = site.desk.running()
    etag = site.client.get(f"/jobs/{job_id}").headers["etag"]
    site.desk.tell(job_id, "rank-0", "progress", step=5, epoch=1)
    again = site.client.get(f"/jobs/{job_id}", headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    site.desk.cancel(job_id)
    changed = site.client.get(f"/jobs/{job_id}", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] == f'"{changed.json()["job"]["status_version"]}"'


def test_what_belongs_to_a_job_can_be_read(site: Site) -> None:
    job_id = site.desk.stopped()
    job = site.get(f"/jobs/{job_id}", "JobAnswer")["job"]
    checkpoints = site.get(f"/jobs/{job_id}/checkpoints", "CheckpointsAnswer")["checkpoints"]
    assert checkpoints == [job["last_checkpoint"]]
    commands = site.get(f"/jobs/{job_id}/commands", "CommandsAnswer")["commands"]
    assert commands == [job["last_command"]]
    one = site.client.get(f"/jobs/{job_id}/commands/{commands[0]['id']}").json()
    assert one == {"success": True, "command": commands[0]}
    other = site.desk.running()
    for id_ in ("cmd_0", commands[0]["id"], "a.b"):
        assert site.get(f"/jobs/{other}/commands/{id_}", "Error", status=404)["code"] == "not_found"


def job_routes(job_id: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("POST", f"/local/{job_id}/control", {"json": {"action": "cancel"}}),
        *(("POST", f"/{action}/{job_id}", {}) for action in ("cancel", "pause", "resume")),
        ("GET", f"/jobs/{job_id}", {}),
        ("GET", f"/jobs/{job_id}/events", {}),
        ("GET", f"/jobs/{job_id}/events?cursor=1.1", {}),
        ("GET", f"/jobs/{job_id}/metrics", {}),
        ("GET", f"/jobs/{job_id}/logs", {}),
        ("GET", f"/jobs/{job_id}/checkpoints", {}),
        ("GET", f"/jobs/{job_id}/commands", {}),
        ("GET", f"/jobs/{job_id}/commands/cmd_0", {}),
    ]


def test_someone_elses_job_is_no_job_to_the_letter_on_every_route(site: Site) -> None:
    theirs = site.desk.running("ada")
    before = site.desk.job(theirs)
    mine = {"Trainstop-Owner": "bob", "X-Request-Id": "same"}
    for (method, path, request), (_, missing, _) in zip(job_routes(theirs), job_routes("job_0"), strict=True):
        found = site.client.request(method, path, headers=mine, **request)
        absent = site.client.request(method, missing, headers=mine, **request)
        assert (found.status_code, found.content) == (absent.status_code, absent.content)
        assert found.status_code == 404
        assert found.json()["code"] == "job_not_found"
        assert found.headers.keys() == absent.headers.keys()
    assert site.desk.job(theirs) == before
    page = site.get("/jobs", "JobsAnswer", headers=mine)
    assert theirs not in [job["id"] for job in page["jobs"]]


def test_an_owner_has_their_own_jobs_and_the_jobs_they_start(site: Site) -> None:
    headers = {"Trainstop-Owner": quote("zoë@example.com")}
    body = {"template": "digits"}
    job = site.post("/jobs", "JobAnswer", status=201, json=body, headers=headers)["job"]
    assert job["owner"] == "zoë@example.com"
    assert site.get(f"/jobs/{job['id']}", "JobAnswer", headers=headers)["job"] == job
    listed = site.get("/jobs", "JobsAnswer", headers=headers)["jobs"]
    assert [each["id"] for each in listed] == [job["id"]]


@pytest.mark.parametrize("id_", NOT_AN_ID)
def test_an_id_that_no_job_can_have_is_no_job(site: Site, id_: str) -> None:
    headers = {"X-Request-Id": "same"}
    missing = site.client.get("/jobs/job_0", headers=headers).json()
    for method, path, request in job_routes(id_):
        # Dots alone would be taken away by the client.
        response = site.client.request(method, path.replace("..", "%2e%2e"), headers=headers, **request)
        assert response.status_code == 404
        assert response.json()["code"] in ("job_not_found", "not_found")
        if response.json()["code"] == "job_not_found":
            assert response.json() == missing


def test_paths_and_methods_that_are_not_there(site: Site) -> None:
    assert site.get("/nothing", "Error", status=404)["code"] == "not_found"
    assert site.ask("DELETE", "/jobs", "Error", status=405)["code"] == "invalid_request"
    outside = site.client.get(f"http://127.0.0.1:{site.port}/")
    assert (outside.status_code, outside.json()["code"]) == (404, "not_found")


def test_what_the_server_can_do_and_how_it_is(site: Site) -> None:
    capabilities = site.get("/capabilities", "CapabilitiesAnswer")
    assert [template["id"] for template in capabilities["templates"]] == ["digits"]
    assert "train.py" not in json.dumps(capabilities)
    health = site.get("/health", "HealthAnswer", headers={"Authorization": ""})
    assert (health["live"], health["ready"]) == (True, True)


def test_a_failure_of_our_own_is_told_plainly_and_without_its_inside(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(site.server.jobs, "job", broken)
    error = site.get("/jobs/job_0", "Error", status=500, headers={"X-Request-Id": "r-1"})
    assert (error["code"], error["request_id"]) == ("internal", "r-1")
    assert "inside" not in error["error"]
    until(lambda: "the inside" in caplog.text, "the line of log, which follows the answer")


def test_a_request_id_of_the_caller_is_kept_and_a_strange_one_is_not(site: Site) -> None:
    assert site.client.get("/health", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    given = site.client.get("/health", headers={"X-Request-Id": "<b>"}).headers["x-request-id"]
    assert given != "<b>" and len(given) == 16
