"""Field note 47: open streams keep many a server from ending. Real processes, real sockets."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from trainstop.cli.conftest import SCRIPT, WAIT_SECONDS, Server, job_when, start_job

STREAMS = 100
STALLED = 40
FULL_BYTES = 1_000_000
"""What a reader that reads has got when the sockets of those that don't have long been full."""
LOUD = SCRIPT.replace(
    "turn = run.end_step(step)",
    "run.log({f'layer_{n}': 1 / step for n in range(2000)}, step=step); turn = run.end_step(step)",
)


def open_stream(server: Server, job_id: str, receive_buffer: int | None) -> socket.socket:
    url = urlsplit(server.url)
    stream = socket.socket()
    if receive_buffer is not None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    stream.connect((url.hostname, url.port))
    token = (server.data_dir / "token").read_text().strip()
    head = (
        f"GET {url.path}/jobs/{job_id}/events HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}"
    )
    stream.sendall(f"{head}\r\n\r\n".encode())
    return stream


@pytest.mark.heavy
def test_sigterm_with_a_hundred_open_streams_ends_the_server_and_leaves_training_alone(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    first = serve().ready()
    (tmp_path / "steps.py").write_text(LOUD)
    with first.client() as client, contextlib.ExitStack() as stack:
        job_id = start_job(client)
        job_when(client, job_id, lambda job: (job["progress"]["step"] or 0) > 0)
        streams = [
            stack.enter_context(open_stream(first, job_id, 4096 if number < STALLED else None))
            for number in range(STREAMS)
        ]
        readers = streams[STALLED:]
        received = dict.fromkeys(readers, 0)
        text = b""
        selector = stack.enter_context(selectors.DefaultSelector())
        for reader in readers:
            selector.register(reader, selectors.EVENT_READ)
        gives_up_at = time.monotonic() + WAIT_SECONDS
        while received[readers[0]] < FULL_BYTES or min(received.values()) == 0:
            assert time.monotonic() < gives_up_at, received.values()
            for key, _ in selector.select(1.0):
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(1 << 18)
                assert data, "the stream ended"
                received[key.fileobj] += len(data)
        first.process.terminate()
        begin = time.monotonic()
        for reader in readers:
            reader.settimeout(WAIT_SECONDS)
            with contextlib.suppress(ConnectionResetError):  # it was behind, and was not waited for
                while data := reader.recv(1 << 18):
                    text = text[-100:] + data
                    assert b"\nevent: end\n" not in text, "the job goes on"
        _, error = first.process.communicate(timeout=WAIT_SECONDS)
        print(f"The server ended {time.monotonic() - begin:.1f} s after SIGTERM with {STREAMS} streams open.")
        assert first.process.returncode == 0, error
        assert "Traceback" not in error
    second = serve().ready()
    with second.client() as client:
        job = client.get(f"/jobs/{job_id}").json()["job"]
        assert (job["status"], job["attempt"], job["health"]) == ("running", 1, "ok")
        step = job["progress"]["step"]
        job_when(client, job_id, lambda job: job["progress"]["step"] > step)
        client.post(f"/cancel/{job_id}", json={"mode": "force"}, headers={"Prefer": "wait=60"})
