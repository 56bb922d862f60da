from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trainstop.cli.conftest import CLEAN, Place
from trainstop.cli.main import main

BASH = shutil.which("bash")


def completed(place: Place, tmp_path: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    trainstop = tmp_path / "trainstop"
    trainstop.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trainstop.cli "$@"\n')
    trainstop.chmod(0o755)
    asked = " ".join(f"'{word}'" for word in ("trainstop", *words))
    script = f"""
        eval "$(trainstop completion bash)"
        COMP_WORDS=({asked}); COMP_CWORD={len(words)}; COMP_TYPE=9
        function_name=$(complete -p trainstop | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $function_name trainstop '{words[-1]}' '{(("trainstop", *words))[-2]}'
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert BASH is not None, "bash is needed to see what it completes"
    done = subprocess.run(
        [BASH, "--norc", "-c", script],
        cwd=place.server.data_dir.parent,
        env={**CLEAN, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.stderr == ""
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def test_bash_completes_commands_options_and_their_values(place: Place, tmp_path: Path) -> None:
    assert completed(place, tmp_path, "st") == ["start", "stop"]
    assert completed(place, tmp_path, "stop", "--mo") == ["--mode"]
    assert completed(place, tmp_path, "stop", "--mode", "f") == ["force"]


def test_bash_completes_jobs_and_templates_of_the_server(place: Place, tmp_path: Path) -> None:
    data = place.server.data_dir
    nearest = data.parent / ".trainstop"
    nearest.symlink_to(data)
    try:
        job_id = place.start()
        assert job_id in completed(place, tmp_path, "show", "job_")
        assert completed(place, tmp_path, "start", "st") == ["steps"]
        place.force(job_id)
    finally:
        nearest.unlink()


def test_tcsh_gets_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 0
    script = capsys.readouterr().out
    assert "checkpoints" in script and "--mode" in script


def test_without_a_server_there_is_nothing_to_complete_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["completion", "--words", "jobs"]) == 1
    assert capsys.readouterr() == ("", "")
