"""Memory of the server and of one shim at rest, as resident and as private pages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

REST_SECONDS = 5.0
GOALS_MIB = {"server": 80, "shim": 12}


def memory_mib(pid: int) -> tuple[float, float]:
    """(resident, private) of a process, from /proc/<pid>/smaps_rollup."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = {name: int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}
    return sizes["Rss"] / 1024, (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "trainstop.toml"
        config.write_text('[templates.sleep]\ncommand = ["sleep", "600"]\n')
        data = Path(directory) / "data"
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "trainstop.cli",
                "serve",
                "--port",
                "0",
                "--data",
                data,
                "--config",
                config,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().rpartition(" ")[2].strip()
            headers = {"Authorization": f"Bearer {(data / 'token').read_text().strip()}"}
            with httpx.Client(base_url=url, headers=headers) as client:
                job = client.post("/jobs", json={"template": "sleep"}).json()["job"]
                while job["status"] == "pending":
                    time.sleep(0.1)
                    job = client.get(f"/jobs/{job['id']}").json()["job"]
                shim = int(
                    re.findall(r'"pid": ?(\d+)', next(data.glob("jobs/*/attempts/1/shim.json")).read_text())[
                        0
                    ]
                )
                time.sleep(REST_SECONDS)
                for name, pid in (("server", server.pid), ("shim", shim)):
                    resident, private = memory_mib(pid)
                    sizes = f"{resident:7.1f} MiB resident, {private:5.1f} private"
                    print(f"{name:8}{sizes} (goal {GOALS_MIB[name]})")
                client.post(f"/cancel/{job['id']}", json={"mode": "force"}, headers={"Prefer": "wait=30"})
        finally:
            os.kill(server.pid, signal.SIGTERM)
            server.wait()


main()
