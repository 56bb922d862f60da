from __future__ import annotations

import configparser
import getpass
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trainstop.cli.main import main

ANALYZE = shutil.which("systemd-analyze")


def unit(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["systemd", *arguments]) == 0
    return capsys.readouterr().out


def service(text: str) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    assert parser.sections() == ["Unit", "Service", "Install"]
    return dict(parser["Service"])


def test_a_restart_leaves_training_alone_and_paths_are_absolute(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = service(unit(capsys, "--config", "trainstop.toml", "--port", "9000"))
    assert told["KillMode"] == "process"
    assert told["Restart"] == "on-failure"
    assert told["Delegate"] == "yes"
    assert told["User"] == getpass.getuser()
    assert told["WorkingDirectory"] == str(tmp_path)
    assert told["EnvironmentFile"] == f"-{tmp_path}/.trainstop/environment"
    assert shlex.split(told["ExecStart"]) == [
        *(sys.executable, "-m", "trainstop.cli", "serve", "--data", f"{tmp_path}/.trainstop"),
        *("--config", f"{tmp_path}/trainstop.toml", "--port", "9000"),
    ]


def test_nothing_in_it_hides_gpus_or_undoes_the_delegation(capsys: pytest.CaptureFixture[str]) -> None:
    told = service(unit(capsys))
    filters = {"NoNewPrivileges", "ProtectKernelModules", "RestrictSUIDSGID", "LockPersonality"}
    hiding = {
        "PrivateDevices",
        "DevicePolicy",
        "ProtectClock",
        "ProtectControlGroups",
        "PrivateTmp",
        "RemoveIPC",
    }
    assert not told.keys() & (filters | hiding)


def test_a_strange_path_stays_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    told = service(unit(capsys, "--data", "/a b/100%/$HOME;'\"\\"))
    assert told["ExecStart"].endswith(r''' --data "/a b/100%%/$$HOME;'\"\\"''')
    assert main(["systemd", "--data", "/a\nExecStartPre=/bin/false"]) == 2
    assert "can't stand in a unit" in capsys.readouterr().err


@pytest.mark.parametrize("data", [".trainstop", "a b/100%"])
def test_systemd_itself_finds_nothing_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    """Where there is no systemd-analyze, only what the other tests look at is known to be right."""
    monkeypatch.chdir(tmp_path)
    text = unit(capsys, "--data", data)
    told = service(text)
    assert all(value for value in told.values())
    if ANALYZE is None:
        return
    path = tmp_path / "trainstop.service"
    path.write_text(text)
    done = subprocess.run(
        [ANALYZE, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "trainstop.service" in line]
    assert ours == []
