from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from trainstop.rundir.layout import RunDir
from trainstop.server.app import BASE_PATH
from trainstop.server.routes import feeds as feeds_module
from trainstop.server.routes.conftest import PROTOCOL, TOKEN, WAIT_SECONDS, Site, serving
from trainstop.server.store import tables


class Reader:
    """Reads one stream, event by event, and holds each to the protocol."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> dict[str, Any] | None:
        """`{id, event, **data}`, `{comment}`, or None at the end of the stream."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                fields["comment"] = line[1:].strip()
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "comment" in fields:
                return dict(fields)
            else:
                event = json.loads(fields["data"])
                PROTOCOL.check("Event", event)
                assert event["type"] == fields["event"]
                expected = f"{event['generation']}.{event['seq']}"
                assert fields.get("id") in (None, expected)
                return {"id": fields.get("id"), **event}
        return None

    def until(self, type_: str) -> list[dict[str, Any]]:
        """Events up to and with the first of a type."""
        found: list[dict[str, Any]] = []
        while not found or found[-1].get("type") != type_:
            event = self.next()
            assert event is not None, f"the stream ended before {type_}: {found}"
            found.append(event)
        return found

    def rest(self) -> list[dict[str, Any]]:
        """Every event up to the end of the stream."""
        return [event for event in iter(self.next, None) if "comment" not in event]


@contextlib.contextmanager
def reading(site: Site, job_id: str, cursor: str | None = None, **headers: str) -> Iterator[Reader]:
    given = headers | ({"Last-Event-ID": cursor} if cursor is not None else {})
    with site.client.stream("GET", f"/jobs/{job_id}/events", headers=given) as response:
        assert response.status_code == 200
        yield Reader(response)


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def numbered(events: list[dict[str, Any]]) -> list[int]:
    """seqs of those that are kept."""
    return [event["seq"] for event in events if event["id"] is not None]


def test_a_stream_begins_with_the_job_as_it_is_and_goes_on_without_a_gap(site: Site) -> None:
    job_id = site.desk.running()
    with reading(site, job_id) as reader:
        headers = reader.response.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        first = reader.next()
        assert first is not None
        assert (first["type"], first["data"]) == ("job", site.desk.job(job_id))
        site.desk.cancel(job_id)
        site.desk.obey(job_id)
        events = reader.rest()
    assert events[-1]["type"] == "end"
    assert events[-1]["data"] == {"status": "cancelled"}
    seqs = numbered(events[:-1])
    assert seqs == list(range(first["seq"] + 1, site.desk.job(job_id)["seq"] + 1))
    jobs = [event["data"] for event in events if event["type"] == "job"]
    assert jobs[-1] == site.desk.job(job_id)


def test_a_reader_that_comes_back_with_its_cursor_gets_the_rest_and_nothing_twice(site: Site) -> None:
    job_id = site.desk.stopped()
    all_events = site.desk.events(job_id)
    for seq in range(1, len(all_events) + 1):
        with reading(site, job_id, cursor=f"1.{seq}") as reader:
            events = reader.rest()
        kept = [{key: event[key] for key in all_events[0]} for event in events[:-1] if event["id"]]
        assert kept == all_events[seq:]
        assert [event["type"] for event in events].count("end") == 1


def test_the_cursor_may_stand_in_the_url_too(site: Site) -> None:
    job_id = site.desk.stopped()
    seq = site.desk.job(job_id)["seq"]
    response = site.client.get(f"/jobs/{job_id}/events", params={"cursor": f"1.{seq - 1}"})
    assert response.text.startswith(f": here\n\nid: 1.{seq}\nevent: job\n")


def test_a_reader_that_comes_back_when_nothing_is_new_hears_at_once_that_it_was_let_in(site: Site) -> None:
    job_id = site.desk.running()
    with reading(site, job_id, cursor=f"1.{site.desk.job(job_id)['seq']}") as reader:
        assert reader.next() == {"comment": "here"}


@pytest.mark.parametrize("cursor", ["2.1", "0.1", "1.999999", "nonsense", "1.-1", "1.1.1", "9" * 40])
def test_a_cursor_that_is_none_of_this_store_gets_a_reset_and_a_snapshot(site: Site, cursor: str) -> None:
    job_id = site.desk.running()
    with reading(site, job_id, cursor=cursor) as reader:
        reset, snapshot = reader.next(), reader.next()
    assert reset is not None and snapshot is not None
    assert (reset["type"], reset["id"]) == ("reset", None)
    assert (snapshot["type"], snapshot["data"]) == ("job", site.desk.job(job_id))


def test_the_stream_of_a_job_that_is_over_is_the_job_and_the_end(site: Site) -> None:
    job_id = site.desk.stopped()
    with reading(site, job_id) as reader:
        events = reader.rest()
    assert [event["type"] for event in events] == ["job", "end"]


def test_a_paused_job_is_not_over(site: Site) -> None:
    job_id = site.desk.paused()
    with reading(site, job_id) as reader:
        reader.next()
        site.desk.cancel(job_id)
        assert reader.rest()[-1]["data"] == {"status": "cancelled"}


def test_a_log_that_grows_is_told_by_its_size_and_bears_no_id(site: Site) -> None:
    job_id = site.desk.running()
    path = RunDir.of(site.data_dir, job_id, 1).output
    path.parent.mkdir(parents=True)
    path.write_bytes(b"12345")
    with reading(site, job_id) as reader:
        log = reader.until("log")[-1]
        assert (log["id"], log["data"]) == (None, {"attempt": 1, "size": 5})
        path.write_bytes(b"1234567")
        assert reader.until("log")[-1]["data"] == {"attempt": 1, "size": 7}
        path.write_bytes(b"123456789")
        site.desk.exit(job_id, 0)
        events = reader.rest()
        logs = [event["data"]["size"] for event in events if event["type"] == "log"]
        assert logs[-1:] == [9], "the last size is told before the end"


def test_a_silent_stream_says_that_it_is_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "HEARTBEAT_SECONDS", 0.05)
    with reading(site, site.desk.running()) as reader:
        reader.next()
        assert reader.next() == {"comment": "here"}


def test_many_readers_that_come_in_the_middle_of_everything_all_see_the_same(site: Site) -> None:
    job_id = site.desk.running()
    seen: list[list[dict[str, Any]]] = []
    failed: list[BaseException] = []

    def read() -> None:
        try:
            with httpx.Client(timeout=WAIT_SECONDS) as client:
                headers = {"Authorization": f"Bearer {TOKEN}"}
                with client.stream("GET", f"{site.url}/jobs/{job_id}/events", headers=headers) as response:
                    seen.append(Reader(response).rest())
        except BaseException as error:
            failed.append(error)

    threads = []
    for step in range(1, 61):
        if step % 6 == 0:
            threads.append(threading.Thread(target=read))
            threads[-1].start()
        moment = site.desk.clock()
        site.desk.tell(job_id, "rank-0", "metrics", rows=[[step, 1, moment, {"loss": 1 / step}]])
    site.desk.exit(job_id, 0)
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert not failed
    assert len(seen) == 10
    last = site.desk.job(job_id)["seq"]
    for events in seen:
        seqs = numbered(events[:-1])
        assert seqs == list(range(seqs[0], last + 1))
        assert events[-1]["type"] == "end"


def test_a_reader_that_does_not_read_holds_up_nobody_and_is_told_what_it_missed(site: Site) -> None:
    """It stops reading while far more than any buffer comes, then reads on."""
    job_id = site.desk.running()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else megabytes find room on the way
        slow.settimeout(WAIT_SECONDS)
        slow.connect(("127.0.0.1", site.port))
        request = f"GET {BASE_PATH}/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        slow.sendall(f"{request}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        response = http.client.HTTPResponse(slow)
        response.begin()
        names = {f"layer_{number}": 0.123456789 for number in range(1000)}  # 80 KiB an event
        for step in range(1, 31):
            moment = site.desk.clock()
            site.desk.tell(job_id, "rank-0", "metrics", rows=[[step, 1, moment, names]])
        with reading(site, job_id) as fast:
            assert fast.next() is not None
            site.desk.exit(job_id, 0)
            assert fast.rest()[-1]["type"] == "end"
        lines = response.read().split(b"\n")
    events = [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]
    types = [event["type"] for event in events]
    assert types.count("reset") == 1 and types[-1] == "end"
    reset = types.index("reset")
    before, snapshot = events[:reset], events[reset + 1]
    seqs = [event["seq"] for event in before]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "up to the reset nothing is missing"
    assert snapshot["data"] == site.desk.job(job_id)


def test_a_reader_that_goes_is_forgotten(site: Site) -> None:
    job_id = site.desk.running()
    with reading(site, job_id) as reader:
        reader.next()
        assert site.server.broadcast.listens(job_id)
    wait_until(lambda: not site.server.broadcast.listens(job_id))


def test_a_hundred_open_streams_do_not_keep_the_server_from_ending(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        site, http_server = stack.enter_context(serving(tmp_path))
        job_id = site.desk.running()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        client = stack.enter_context(httpx.Client(timeout=WAIT_SECONDS, limits=limits, headers=headers))
        readers = []
        for _ in range(100):
            stream = client.stream("GET", f"{site.url}/jobs/{job_id}/events")
            readers.append(Reader(stack.enter_context(stream)))
            assert readers[-1].next() is not None
        http_server.should_exit = True
        for reader in readers:
            assert "end" not in [event.get("type") for event in reader.rest()]
        # Leaving `serving` asserts that the server's thread has ended.


@contextlib.contextmanager
def reading_many(site: Site, jobs: dict[str, str | None], **headers: str) -> Iterator[Reader]:
    with site.client.stream("POST", "/events", json={"jobs": jobs}, headers=headers) as response:
        assert response.status_code == 200, response.read()
        yield Reader(response)


def test_one_stream_tells_of_many_jobs_each_as_its_own_would(site: Site) -> None:
    fresh, resumed, over = site.desk.running(), site.desk.running(), site.desk.stopped()
    begin = site.desk.job(resumed)["seq"] - 2
    with reading_many(site, {fresh: None, resumed: f"1.{begin}", over: None}) as reader:
        for job_id in (fresh, resumed):
            site.desk.cancel(job_id)
            site.desk.obey(job_id)
        events = reader.rest()
    of = {
        job_id: [event for event in events if event["job_id"] == job_id] for job_id in (fresh, resumed, over)
    }
    assert [event["type"] for event in of[over]] == ["job", "end"]
    assert of[fresh][0]["type"] == "job"
    kept = [event for event in of[resumed] if event["type"] not in ("log", "bookmark", "end")]
    assert [{key: event[key] for key in kept[0] if key != "id"} for event in kept] == site.desk.events(
        resumed
    )[begin:]
    assert all(told[-1]["type"] == "end" for told in of.values())
    for job_id in (fresh, resumed):
        position = -1
        for event in of[job_id]:
            if event["type"] == "bookmark":
                assert event["seq"] == position and event["id"] is not None
            elif event["id"] is not None:
                position = event["seq"]


def test_a_bookmark_follows_once_a_job_has_caught_up_and_comes_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds_module, "BOOKMARK_SECONDS", 0.01)
    job_id = site.desk.running()
    with reading_many(site, {job_id: "1.1"}) as reader:
        events = reader.until("bookmark")
        seq = site.desk.job(job_id)["seq"]
        assert [event["seq"] for event in events if event.get("id")] == [*range(2, seq + 1), seq]
        assert reader.until("bookmark")[-1]["seq"] == seq


def test_a_job_that_is_not_there_is_gone_whoever_it_belongs_to_and_holds_up_no_other(site: Site) -> None:
    mine, theirs = site.desk.running("ada"), site.desk.running("bob")
    jobs: dict[str, str | None] = {"job_nobody_knows": "1.3", theirs: "1.3", mine: None}
    with reading_many(site, jobs, **{"Trainstop-Owner": "ada"}) as reader:
        site.desk.exit(theirs, 0)
        site.desk.exit(mine, 0)
        events = reader.rest()
    gone = [event for event in events if event["type"] == "gone"]
    assert [event["job_id"] for event in gone] == ["job_nobody_knows", theirs]
    first, second = ({**event, "job_id": "", "at": ""} for event in gone)
    assert first == second, "nobody learns whether somebody else has such a job"
    assert {event["job_id"] for event in events if event not in gone} == {mine}
    assert events[-1]["type"] == "end"


def test_somebody_elses_cursor_is_the_same_404_as_no_job(site: Site) -> None:
    theirs = site.desk.running("bob")
    owner = {"Trainstop-Owner": "ada", "Last-Event-ID": "1.1"}
    answers = [
        site.get(f"/jobs/{job_id}/events", "Error", status=404, headers=owner)
        for job_id in (theirs, "job_none")
    ]
    assert [answer["error"] for answer in answers] == ["There is no such job here."] * 2


def test_a_cursor_whose_events_are_no_longer_kept_gets_a_reset_and_a_snapshot(site: Site) -> None:
    job_id = site.desk.stopped()
    seq = site.desk.job(job_id)["seq"]
    with site.server.database.write() as connection:
        connection.execute(
            delete(tables.events).where(tables.events.c.job_id == job_id, tables.events.c.seq < seq)
        )
        connection.execute(update(tables.jobs).where(tables.jobs.c.id == job_id).values(events_from=seq - 1))
    with reading(site, job_id, cursor="1.2") as reader:
        assert [event["type"] for event in reader.rest()] == ["reset", "job", "end"]
    with reading(site, job_id, cursor=f"1.{seq - 1}") as reader:
        assert [event["type"] for event in reader.rest()] == ["job", "end"], "nothing after it is missing"
    with site.server.database.write() as connection:
        connection.execute(delete(tables.events).where(tables.events.c.job_id == job_id))
    with reading(site, job_id, cursor=f"1.{seq - 1}") as reader:
        assert [event["type"] for event in reader.rest()] == ["reset", "job", "end"]


@pytest.mark.parametrize(
    "jobs", [{}, {"../job": None}, {"job_1": 1}, {f"job_{n}": None for n in range(10_001)}, []]
)
def test_a_wish_for_many_jobs_that_makes_no_sense_is_refused(site: Site, jobs: Any) -> None:
    assert site.post("/events", "Error", status=422, json={"jobs": jobs})["field"].startswith("jobs")


def test_a_page_may_have_ten_thousand_jobs(site: Site) -> None:
    job_id = site.desk.running()
    others: dict[str, str | None] = {f"no_such_job_of_this_server_{n}": "1.123456" for n in range(9999)}
    wish = {"jobs": {**others, job_id: None}}
    with site.client.stream("POST", "/events", json=wish) as response:
        assert response.status_code == 200
        types = (line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: "))
        seen = [type_ for type_, _ in zip(types, range(10_000), strict=False)]
    assert sorted(seen) == [*(["gone"] * 9999), "job"]


def test_a_reader_whose_socket_takes_nothing_for_long_is_cut_off(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = site.desk.running()
    with socket.create_connection(("127.0.0.1", site.port)) as stalled:
        stalled.settimeout(WAIT_SECONDS)
        request = f"GET {BASE_PATH}/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        stalled.sendall(f"{request}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        stalled.recv(15)
        names = {f"layer_{number}": 0.123456789 for number in range(10_000)}
        while not any(stream.sending_since is not None for stream in site.server.feeds.streams):
            site.desk.tell(job_id, "rank-0", "metrics", rows=[[1, 1, site.desk.clock(), names]])
        monkeypatch.setattr(feeds_module, "STALLED_SECONDS", 0.0)
        wait_until(lambda: not site.server.broadcast.listens(job_id))
        with contextlib.suppress(ConnectionResetError):
            while stalled.recv(1 << 20):
                pass
