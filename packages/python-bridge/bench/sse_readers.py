"""Events delivered to 1, 100 and 1,000 readers: rates, delays, memory. All on this machine, over loopback.

One process is the server, with a thread that records metrics as supervision does (`jobs.record`, one durable
transaction an event). Two processes read: raw sockets, and as little parsing as tells whether anything is
missing. They all share the machine's cores, and whatever else runs there counts. The delay of an event is
from the time in it (begin of its transaction) to its arrival at the reader.
"""

from __future__ import annotations

import json
import os
import re
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

SECONDS = 6.0
"""Of each measurement."""
GOAL_DELIVERIES = 20_000
GOAL_P99_MS = 100
GOAL_KIB = 64
STALLED = 50
PATIENCE_SECONDS = 10.0
"""What is still on its way when the last event was accepted."""
TOKEN = "bench-token-0123456789"
READER_PROCESSES = 2
EVENT = re.compile(rb'^id: \d+\.(\d+)\nevent: (\w+)\ndata: .{0,120}?"at":"([^"]+)"', re.MULTILINE | re.DOTALL)


def main() -> None:
    _many_files()
    with tempfile.TemporaryDirectory() as directory:
        server = _start("server", directory)
        try:
            port, pid = (int(word) for word in _said(server).split())
            load = os.getloadavg()[0]
            print(f"{os.cpu_count()} cores, load {load:.1f} before; {SECONDS:.0f} s a measurement")
            for readers in (1, 100, 1000):
                _measure(server, port, pid, readers)
            _measure_stalled(server, port, pid)
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait(30)


def _measure(server: subprocess.Popen[str], port: int, pid: int, readers: int) -> None:
    job_id = _ask(server, "job")
    before = _private_kib(pid)
    share = [readers // READER_PROCESSES, readers - readers // READER_PROCESSES]
    processes = [_start("readers", str(port), job_id, str(count)) for count in share if count]
    for process in processes:
        assert _said(process) == "ready"
    idle = (_private_kib(pid) - before) / readers
    rates = [("as fast as it goes", 0.0)] if readers == 1 else []
    rates += [("full rate", GOAL_DELIVERIES * 1.05 / readers), ("half rate", GOAL_DELIVERIES / 2 / readers)]
    for name, rate in rates if readers > 1 else rates[:1]:
        for process in processes:
            _tell(process, "measure")
        cpu = _cpu_seconds(pid)
        accepted, took = (float(word) for word in _ask(server, f"produce {job_id} {rate} {SECONDS}").split())
        gives_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = [json.loads(_ask(process, "result")) for process in processes]
            if sum(each["events"] for each in found) >= accepted * readers or time.monotonic() > gives_up_at:
                break
            time.sleep(0.2)
        cpu = _cpu_seconds(pid) - cpu
        delays = sorted(delay for each in found for delay in each["delays"])
        delivered = sum(each["events"] for each in found)
        missed = int(accepted) * readers - delivered
        rate_seen = delivered / max(took, *(each["seconds"] for each in found))
        p50, p99 = (delays[int(len(delays) * part)] * 1000 for part in (0.5, 0.99))
        goal = f" (goal {GOAL_DELIVERIES:,})" if name == "full rate" else ""
        p99_goal = f" (goal {GOAL_P99_MS})" if name == "half rate" else ""
        print(
            f"{readers:5} readers, {name:18} {accepted / took:7.0f} events/s accepted, "
            f"{rate_seen:7.0f} deliveries/s{goal}, p50 {p50:.1f} ms, p99 {p99:.1f} ms{p99_goal}, "
            f"missed {missed}, resets {sum(each['resets'] for each in found)}, "
            f"server CPU {cpu / delivered * 1e6:.0f} us a delivery"
        )
    if readers >= 100:
        after = (_private_kib(pid) - before) / readers
        print(
            f"{readers:5} readers, memory each     {idle:.1f} KiB idle, {after:.1f} after (goal {GOAL_KIB})"
        )
    for process in processes:
        _tell(process, "end")
        process.wait(30)


def _measure_stalled(server: subprocess.Popen[str], port: int, pid: int) -> None:
    job_id = _ask(server, "job")
    _ask(server, f"produce {job_id} 0 0.2")
    before = _private_kib(pid)
    stalled = [_connect(port, job_id) for _ in range(STALLED)]
    _ask(server, f"produce {job_id} 0 {SECONDS} 300")
    each = (_private_kib(pid) - before) / STALLED
    print(f"{STALLED:5} readers that read nothing, memory each {each:.1f} KiB (goal {GOAL_KIB})")
    for connection in stalled:
        connection.close()


# The server


def serve(directory: str) -> None:
    from trainstop.server.app import ServerOptions, TrainingServer
    from trainstop.server.configuration.configuration import Configuration
    from trainstop.server.garbage_collection import exempt_what_is_loaded
    from trainstop.server.security.token import Token
    from trainstop.server.serving import HttpServer, listen
    from trainstop.server.templates.template import Template

    class Unsupervised:
        def __init__(self, *_: object) -> None: ...

        async def start(self) -> None: ...

        async def stop(self) -> None: ...

    template = Template("bench", "Bench", None, ("true",), "/", {}, {})
    options = ServerOptions(Path(directory), Token(TOKEN), Configuration(templates={"bench": template}), {})
    server = TrainingServer(options, Unsupervised)
    listener = listen("127.0.0.1", 0)
    listener.listen(1024)  # all readers come at once
    ready = threading.Event()
    http_server = HttpServer(server, ready.set)
    thread = threading.Thread(target=http_server.run, args=([listener],))
    thread.start()
    ready.wait()
    exempt_what_is_loaded()  # as `trainstop serve` does
    print(listener.getsockname()[1], os.getpid(), flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        answer = _new_job(server.jobs) if word == "job" else _produce(server.jobs, *rest)
        print(answer, flush=True)
    http_server.should_exit = True
    thread.join()


def _new_job(jobs: object) -> str:
    from trainstop.protocol.control import StartRequest
    from trainstop.server.jobs.asked import Asked

    asked = Asked({"type": "service", "id": None, "name": None}, None, None, _now())
    job_id = str(jobs.start(StartRequest(template="bench"), asked)["id"])  # type: ignore[attr-defined]
    assert jobs.claim_launch(job_id, 1)  # type: ignore[attr-defined]
    facts = [
        {"at": _now(), "type": "launched", "source": "supervisor"},
        {"at": _now(), "type": "started", "pid": 1, "start_ticks": 1, "source": "shim"},
    ]
    jobs.record(job_id, 1, facts, {})  # type: ignore[attr-defined]
    return job_id


def _produce(jobs: object, job_id: str, rate: str, seconds: str, metrics: str = "3") -> str:
    """So many events a second (0: as many as go) for so long. Returns how many, in how many seconds."""
    begin, step = time.monotonic(), 0
    while (elapsed := time.monotonic() - begin) < float(seconds):
        if float(rate) and (early := step / float(rate) - elapsed) > 0:
            time.sleep(early)
        step += 1
        values = {f"metric_{number}": 1 / step for number in range(int(metrics))}
        fact = {
            "at": _now(),
            "type": "metrics",
            "source": "rank-0",
            "rows": [[None, None, time.time(), values]],
        }
        jobs.record(job_id, 1, [fact], {})  # type: ignore[attr-defined]
    return f"{step} {time.monotonic() - begin}"


# The readers


class Reader:
    def __init__(self, port: int, job_id: str) -> None:
        self.socket = _connect(port, job_id)
        self.rest = b""
        self.ready = False


def read(port: str, job_id: str, count: str) -> None:
    readers = [Reader(int(port), job_id) for _ in range(int(count))]
    selector = selectors.DefaultSelector()
    for reader in readers:
        reader.socket.setblocking(False)
        selector.register(reader.socket, selectors.EVENT_READ, reader)
    selector.register(sys.stdin, selectors.EVENT_READ)
    times: dict[bytes, float] = {}
    delays: list[float] = []
    events = resets = ready = 0
    begin = last = time.monotonic()
    while True:
        for key, _ in selector.select():
            reader = key.data
            if reader is None:
                word = sys.stdin.readline().strip()
                if word == "measure":
                    delays, events, resets, begin = [], 0, 0, time.monotonic()
                elif word == "result":
                    seconds = last - begin
                    found = {"delays": delays, "events": events, "resets": resets, "seconds": seconds}
                    print(json.dumps(found), flush=True)
                else:
                    return
                continue
            data = reader.socket.recv(1 << 18)
            moment = time.time()
            text = reader.rest + data
            cut = text.rfind(b"\n\n") + 2 if b"\n\n" in text else 0
            reader.rest = text[cut:]
            for match in EVENT.finditer(text, 0, cut):
                if match[2] == b"job" and not reader.ready:
                    reader.ready = True
                    ready += 1
                    if ready == len(readers):
                        print("ready", flush=True)
                elif match[2] == b"metrics":
                    events += 1
                    at = times.get(match[3])
                    if at is None:
                        at = times[match[3]] = _unix(match[3].decode())
                    delays.append(moment - at)
                    last = time.monotonic()
            resets += text.count(b"\nevent: reset\n", 0, cut)


def _connect(port: int, job_id: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    path = f"/api/training/jobs/{job_id}/events"
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _tell(process: subprocess.Popen[str], sentence: str) -> None:
    assert process.stdin is not None
    print(sentence, file=process.stdin, flush=True)


def _ask(process: subprocess.Popen[str], sentence: str) -> str:
    _tell(process, sentence)
    return _said(process)


def _private_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"^Private_\w+: +(\d+) kB$", text, re.MULTILINE))


def _cpu_seconds(pid: int) -> float:
    """User and system, of all threads; the producer's too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


ROLES = {"server": serve, "readers": read}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        ROLES[sys.argv[1]](*sys.argv[2:])
    else:
        main()
