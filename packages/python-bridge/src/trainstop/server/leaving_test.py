"""How a server leaves that was asked to go, as a process: whatever hangs, and never with its training."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.server.server_address import NAME

WAIT_SECONDS = 60.0

# A stopping supervision that hangs in a thread, as a disk that doesn't answer makes it.
HANGING = """
import sys, time, threading
from trainstop.server.supervision import background
told = threading.Event()
async def stop(self):
    print("hangs", flush=True)
    self._usual.submit(time.sleep, 600)
    time.sleep(600)
background.Background.stop = stop
"""
SERVE = "from trainstop.cli.main import main; sys.exit(main(['serve', '--port', '0', '--data', sys.argv[1]]))"


class Server:
    def __init__(self, data_dir: Path, preparation: str = "") -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"import sys\n{preparation}\n{SERVE}", str(data_dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.says().startswith("Trainstop server: ")

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.process.kill()
        server.process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_asked_once_it_ends_well_and_takes_its_address_with_it(
    servers: list[Server], tmp_path: Path, how: signal.Signals
) -> None:
    server = Server(tmp_path / "data")
    servers.append(server)
    assert (server.data_dir / NAME).exists()
    server.process.send_signal(how)
    out, error = server.process.communicate(timeout=WAIT_SECONDS)
    assert (server.process.returncode, out) == (0, ""), error
    assert "Traceback" not in error
    assert not (server.data_dir / NAME).exists()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_asked_twice_it_leaves_at_once_whatever_it_waits_for(
    servers: list[Server], tmp_path: Path, second: signal.Signals
) -> None:
    preparation = HANGING + "from trainstop.server import serving\nserving.LAST_SECONDS = 600.0\n"
    server = Server(tmp_path / "data", preparation)
    servers.append(server)
    server.process.send_signal(signal.SIGTERM)
    assert server.says() == "hangs"
    server.process.send_signal(second)
    assert server.process.wait(WAIT_SECONDS) == -second


def test_what_hangs_does_not_keep_it(servers: list[Server], tmp_path: Path) -> None:
    server = Server(tmp_path / "data", HANGING)
    servers.append(server)
    server.process.send_signal(signal.SIGTERM)
    assert server.says() == "hangs"
    _, error = server.process.communicate(timeout=WAIT_SECONDS)
    assert server.process.returncode == 0
    assert "something took too long to end" in error
    assert (server.data_dir / "trainstop.db").exists()
