from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from trainstop.rundir.layout import RunDir
from trainstop.server.app import BASE_PATH
from trainstop.server.routes import events as events_module
from trainstop.server.routes.conftest import PROTOCOL, TOKEN, WAIT_SECONDS, Site, serving


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
    monkeypatch.setattr(events_module, "HEARTBEAT_SECONDS", 0.05)
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


def test_a_reader_that_does_not_read_holds_up_nobody_and_misses_nothing(site: Site) -> None:
    """It stops reading while far more than any buffer comes, then reads on."""
    job_id = site.desk.running()
    with socket.create_connection(("127.0.0.1", site.port)) as slow:
        slow.settimeout(WAIT_SECONDS)
        request = f"GET {BASE_PATH}/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        slow.sendall(f"{request}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        assert slow.recv(15) == b"HTTP/1.1 200 OK"
        names = {f"layer_{number}": 0.123456789 for number in range(1000)}
        for step in range(1, 201):
            moment = site.desk.clock()
            site.desk.tell(job_id, "rank-0", "metrics", rows=[[step, 1, moment, names]])
        with reading(site, job_id) as fast:
            assert fast.next() is not None
        site.desk.exit(job_id, 0)
        received = bytearray()
        while chunk := slow.recv(1 << 20):
            received += chunk
            if received.endswith(b"0\r\n\r\n"):
                break
    seqs = [int(line.split(b".")[1]) for line in received.split(b"\n") if line.startswith(b"id: ")]
    last = site.desk.job(job_id)["seq"]
    assert seqs[:-1] == list(range(seqs[0], last + 1))
    assert len(received) > 5_000_000


def test_a_reader_that_goes_is_forgotten(site: Site) -> None:
    job_id = site.desk.running()
    with reading(site, job_id) as reader:
        reader.next()
        assert job_id in site.server.broadcast._listeners
    gone = threading.Event()
    for _ in range(int(WAIT_SECONDS * 100)):
        if job_id not in site.server.broadcast._listeners:
            gone.set()
            break
        gone.wait(0.01)
    assert gone.is_set()


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
