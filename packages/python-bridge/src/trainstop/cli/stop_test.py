from __future__ import annotations

import argparse
from typing import Any

import pytest

from trainstop.cli import pause, resume, stop
from trainstop.cli.main import parser
from trainstop.cli.screen import Screen

JOB = {"id": "job_1", "name": "n", "status": "paused", "owner": None}


def sent(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[str, dict[str, Any]]:
    """(action, body) that a command line asks the server for."""
    found: list[tuple[str, dict[str, Any]]] = []

    def carry_out(
        _: Screen, __: Any, action: str, ___: Any, *, body: Any, options: argparse.Namespace
    ) -> int:
        found.append((action, body))
        return 0

    for module in (stop, pause, resume):
        monkeypatch.setattr(module, "connect", lambda options: None)
        monkeypatch.setattr(module, "choose_job", lambda *_, **__: JOB)
        monkeypatch.setattr(module, "carry_out", carry_out)
    options = parser().parse_args(words)
    assert options.run(options) == 0
    return found[0]


def test_what_was_asked_is_sent_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent(monkeypatch, "stop", "last") == ("cancel", {})
    assert sent(monkeypatch, "stop", "last", "--mode", "epoch", "--wait-seconds", "90", "--grace", "5.5") == (
        "cancel",
        {"mode": "epoch", "wait_seconds": 90.0, "grace_seconds": 5.5},
    )
    assert sent(monkeypatch, "pause", "last", "--hold", "--reason", "cost", "--note", "a b") == (
        "pause",
        {"hold": True, "reason": "cost", "note": "a b"},
    )
    assert sent(monkeypatch, "resume", "last", "--from", "best") == ("resume", {"from": "best"})


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "x", "86401", ""])
def test_what_is_no_duration_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["stop", "last", f"--grace={text}"])
    assert ended.value.code == 2
    assert "seconds are a number from 0 to 86400" in capsys.readouterr().err
