from __future__ import annotations

import queue
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from trainstop.cli import following
from trainstop.cli.client import Client, NoAnswer, ServerRefusal
from trainstop.cli.conftest import WAIT_SECONDS, Place, Server
from trainstop.cli.following import Following, News


class Script:
    """A server that answers as written down, one line a question; the last line again and again."""

    def __init__(self, streams: list[Any], jobs: list[Any]) -> None:
        self.streams, self.jobs = streams, jobs
        self.cursors: list[str | None] = []

    def events(self, job_id: str, cursor: str | None) -> Iterator[dict[str, Any]]:
        self.cursors.append(cursor)
        for each in self._next(self.streams):
            if isinstance(each, Exception):
                raise each
            yield each

    def get(self, path: str) -> dict[str, Any]:
        answer = self._next(self.jobs)
        if isinstance(answer, Exception):
            raise answer
        return {"job": answer}

    @staticmethod
    def _next(lines: list[Any]) -> Any:
        return lines.pop(0) if len(lines) > 1 else lines[0]


def job(seq: int, status: str = "running") -> dict[str, Any]:
    return {"generation": 1, "seq": seq, "status": status}


def event(seq: int, type_: str = "job", status: str = "running") -> dict[str, Any]:
    return {"generation": 1, "seq": seq, "type": type_, "data": job(seq, status)}


def told(script: Script) -> list[News]:
    """Everything until nothing more will come."""
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    Following(cast(Client, script), "job_1", news).start()
    found: list[News] = []
    while not found or found[-1].kind not in ("end", "lost"):
        found.append(news.get(timeout=WAIT_SECONDS))
    return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.03)


LOST = NoAnswer("The connection was lost.")


def test_a_stream_that_breaks_goes_on_from_where_it_was() -> None:
    script = Script([[event(1), event(2), LOST], [event(3), event(3, "end")]], [job(2)])
    kinds = [(news.kind, news.data.get("seq")) for news in told(script)]
    assert kinds[:2] == [("job", 1), ("job", 2)] and kinds[-2:] == [("job", 3), ("end", 3)]
    assert script.cursors == [None, "1.2"]


def test_where_no_stream_gets_through_the_job_is_asked_for() -> None:
    found = told(Script([[LOST]], [job(1), job(2), job(3, "cancelled")]))
    assert [news.data.get("seq") for news in found if news.kind == "job"] == [1, 2, 3]
    assert found[-1] == News("job_1", "end", {"status": "cancelled"})
    assert not [news for news in found if news.kind == "trouble"]


def test_nothing_goes_back() -> None:
    found = told(Script([[event(5), LOST], [event(6), event(6, "end")]], [job(4), job(5)]))
    seqs = [news.data["seq"] for news in found if news.kind == "job"]
    assert seqs == sorted(seqs)


def test_trouble_that_lasts_is_told_once_and_so_is_its_end() -> None:
    found = told(Script([[LOST]], [*[LOST] * 12, job(1), job(2, "failed")]))
    trouble = [news.data["well"] for news in found if news.kind == "trouble"]
    assert trouble == [False, True]


def test_a_job_that_is_gone_ends_it() -> None:
    gone = ServerRefusal("There is no such job.", 404, "job_not_found")
    assert told(Script([[gone]], [job(1)])) == [News("job_1", "lost", {"error": "There is no such job."})]


def test_a_server_that_asks_for_patience_is_given_it() -> None:
    busy = ServerRefusal("Too many requests.", 429, "rate_limited")
    found = told(Script([[busy], [event(1), event(1, "end")]], [busy, busy, job(1)]))
    assert found[-1].kind == "end"


def test_a_stop_is_watched_through_the_death_of_its_server(
    serve: Callable[..., Server], tmp_path: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    first = serve("--port", port).ready()
    place = Place(tmp_path, first)
    deaf = "trap '' TERM; while :; do sleep 1; done"
    job_id = place.say("run", "--detach", "--", "sh", "-c", deaf).out.strip()
    place.job(job_id, lambda job: job["status"] == "running")
    terminal = place.terminal("stop", job_id)
    terminal.until("accepted")
    first.process.kill()
    first.process.communicate()
    terminal.until("Still trying")
    place.server = serve("--port", port).ready()
    terminal.until("The server answers again.")
    place.force(job_id)
    said = terminal.end()
    assert said.code == 0 and "Stopped by force" in said.out
