"""The wheel as people get it: built, installed into empty environments, and run there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2]
LOCK = PACKAGE / "requirements.lock"
SECONDS = 300.0
"""What installing may take on a slow network."""

TRAINING = """
import trainstop
with trainstop.run(total_steps=3) as run:
    for step in range(1, 4):
        turn = run.end_step(step, save_every=3)
        if turn.save:
            with run.checkpoint(step=step) as path:
                (path / "model.bin").write_bytes(b"weights")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=PACKAGE, check=True, capture_output=True, timeout=SECONDS)
    return next(directory.glob("trainstop-*.whl"))


class Environment:
    """An empty virtual environment with the wheel in it."""

    def __init__(self, directory: Path, wheel: Path, extras: str) -> None:
        self.directory = directory
        self.bin = directory / "environment" / "bin"
        subprocess.run([sys.executable, "-m", "venv", self.bin.parent], check=True, timeout=SECONDS)
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        self.python(*pip, "--constraint", LOCK, f"{wheel}{extras}")

    def run(self, *command: str | Path) -> str:
        # Nothing of the environment that the tests run in, which has everything.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, *arguments: str | Path) -> str:
        return self.run(self.bin / "python", *arguments)

    def trainstop(self, *arguments: str | Path) -> str:
        return self.run(self.bin / "trainstop", *arguments)


def test_the_wheel_holds_the_code_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "trainstop/training/run.py" in names
    assert [name for name in names if "test" in name] == []


@pytest.mark.heavy
def test_a_training_environment_gets_no_dependency_and_can_save(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path, wheel, "")
    listed = environment.python("-m", "pip", "list", "--format=freeze").split()
    assert {line.split("==")[0] for line in listed} - {"pip", "setuptools", "wheel"} == {"trainstop"}
    (tmp_path / "train.py").write_text(TRAINING)
    environment.python("train.py")
    assert "good, 1 file, saved at step 3" in environment.trainstop("verify", "checkpoints/train")


@pytest.fixture
def served(wheel: Path, tmp_path: Path) -> Iterator[tuple[Environment, subprocess.Popen[str]]]:
    environment = Environment(tmp_path, wheel, "[server]")
    (tmp_path / "train.py").write_text(TRAINING)
    (tmp_path / "trainstop.toml").write_text(
        f'[templates.train]\ncommand = ["{{python}}", "{tmp_path / "train.py"}"]\n'
    )
    command = [str(environment.bin / "trainstop"), "serve", "--port", "0", "--config", "trainstop.toml"]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        yield environment, server
    finally:
        server.terminate()
        server.communicate(timeout=SECONDS)


@pytest.mark.heavy
def test_the_server_of_an_empty_environment_runs_a_training_to_its_end(
    served: tuple[Environment, subprocess.Popen[str]], tmp_path: Path
) -> None:
    environment, server = served
    assert server.stdout is not None
    url = server.stdout.readline().rpartition(" ")[2].strip()
    (tmp_path / "ask.py").write_text(
        f"""
import time, httpx, pathlib
token = pathlib.Path(".trainstop/token").read_text().strip()
with httpx.Client(base_url={url!r}, headers={{"Authorization": "Bearer " + token}}) as client:
    job = client.post("/jobs", json={{"template": "train"}}).json()["job"]
    while job["ended_at"] is None:
        time.sleep(0.1)
        job = client.get("/jobs/" + job["id"]).json()["job"]
    print(job["status"], job["last_checkpoint"]["id"])
"""
    )
    assert environment.python("ask.py").split() == ["completed", "step-00000003"]
