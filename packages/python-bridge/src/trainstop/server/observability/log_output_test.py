from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from trainstop.server.configuration.log_section import LogSection
from trainstop.server.observability.log_context import about_job
from trainstop.server.observability.log_output import log_handler
from trainstop.server.routes.conftest import TOKEN, serving
from trainstop.server.supervision.background import Background
from trainstop.server.supervision.daemon_thread import in_daemon_thread

log = logging.getLogger("trainstop.test")


@contextlib.contextmanager
def logged(format_: Literal["text", "json"], *secrets: str) -> Iterator[io.StringIO]:
    """What is logged meanwhile, as a server would write it."""
    stream = io.StringIO()
    handler = log_handler(LogSection(format=format_), list(secrets), stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_id_and_its_jobs(tmp_path: Path) -> None:
    with logged("json") as stream, serving(tmp_path) as (site, _):
        job_id = site.desk.running()
        site.client.get(f"/jobs/{job_id}?colour=red", headers={"X-Request-Id": "mine"})
        site.client.get("/jobs", headers={"X-Request-Id": "next"})  # on the same connection
    of_requests = [line for line in records(stream) if line["logger"] == "trainstop.requests"]
    assert TOKEN not in stream.getvalue() and "colour" not in json.dumps(of_requests)
    lines = {line["request_id"]: line for line in of_requests}
    first = lines["mine"]
    assert first.pop("time").endswith("Z") and first.pop("duration_ms") >= 0
    assert first.pop("message").startswith(f"GET /api/training/jobs/{job_id} 200 ")
    assert first == {
        "level": "info",
        "logger": "trainstop.requests",
        "request_id": "mine",
        "job_id": job_id,
        "method": "GET",
        "path": f"/api/training/jobs/{job_id}",
        "status": 200,
    }
    assert "job_id" not in lines["next"]


def test_what_the_rules_say_during_a_request_bears_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged("json") as stream, serving(tmp_path) as (site, _):
        job_id = site.desk.running()

        def refuse_to_answer(*_: object) -> Any:
            log.warning("from a thread")
            raise RuntimeError("broken\nin two lines")

        monkeypatch.setattr(site.server.jobs, "job", refuse_to_answer)
        answer = site.client.get(f"/jobs/{job_id}", headers={"X-Request-Id": "mine"})
        assert answer.status_code == 500
    about = [line for line in records(stream) if line.get("request_id") == "mine"]
    assert [line["message"].split()[0] for line in about] == ["from", "the", "GET"]
    assert all(line["job_id"] == job_id for line in about)
    assert "broken\nin two lines" in about[1]["error"] and about[1]["level"] == "error"


def test_a_jobs_work_in_any_thread_bears_its_id() -> None:
    async def work() -> None:
        background = Background()
        with about_job("job_1"):
            task = asyncio.create_task(background.run(log.info, "in a thread"))
        await task
        with about_job("job_2"):
            await background.run_urgent(log.info, "in another")
            await in_daemon_thread(lambda: log.info("in a long one"))
        await background.run(log.info, "about none")
        await background.stop()

    with logged("json") as stream:
        asyncio.run(work())
    assert [line.get("job_id") for line in records(stream)] == ["job_1", "job_2", "job_2", None]


@pytest.mark.parametrize("format_", ["text", "json"])
def test_no_secret_gets_into_a_line(format_: Literal["text", "json"]) -> None:
    secrets = ["s3cret-token", 'quo"ted\\secret']
    with logged(format_, *secrets) as stream:
        log.info("it is %s", secrets[0])
        log.info("Authorization: Bearer abcdef", extra={"given": secrets[1], "list": [{"in": secrets}]})
        try:
            raise ValueError(f"with {secrets[1]}")
        except ValueError:
            log.exception("failed")
    text = stream.getvalue()
    assert "***" in text and "abcdef" not in text
    assert not any(secret in text or json.dumps(secret)[1:-1] in text for secret in secrets)


def test_a_line_stays_one_line() -> None:
    for format_ in ("text", "json"):
        with logged(format_) as stream:
            log.info("two\nlines \x1b[2J\x7f\x85 of %s", "text\r\n")
        (line,) = stream.getvalue().splitlines()
        assert line.isprintable()


def test_a_stack_trace_has_lines_and_no_other_control_character() -> None:
    """Nor can what somebody sent pass for a line of the log."""
    for format_ in ("text", "json"):
        with logged(format_) as stream:
            try:
                raise ValueError(
                    "\x1b]0;title\x07 \r\x85 \n2026-11-23 10:00:00,123 INFO trainstop: all is well"
                )
            except ValueError:
                log.exception("it \x1b[2J failed\n2026-11-23 10:00:00,123 INFO trainstop: all is well")
        lines = stream.getvalue().splitlines()
        assert all(line.isprintable() for line in lines)
        assert not any(line.startswith("2026-11-23") for line in lines)


def test_text_is_for_people_and_names_request_and_job_once() -> None:
    with logged("text") as stream, about_job("job_1"):
        log.info("hello")
        log.info("job job_1: hello")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("INFO trainstop.test: hello job=job_1")
    assert second.endswith("INFO trainstop.test: job job_1: hello")
