from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from trainstop.server.routes import health
from trainstop.server.routes.conftest import Site

NOBODY = {"Authorization": ""}


def asked(site: Site, status: int, check: str = "") -> Any:
    return site.get(f"/health{check}", "HealthAnswer", status=status, headers=NOBODY)


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 0.0)


def failing_check(site: Site, monkeypatch: pytest.MonkeyPatch, word: str, check: Any) -> None:
    site.server._context.checks._under_way.clear()  # of an earlier test
    monkeypatch.setitem(site.server._context.checks._checks, word, check)


def test_a_server_that_can_work_is_ready(site: Site) -> None:
    answer = asked(site, 200)
    assert (answer["live"], answer["ready"]) == (True, True) and "not_ready" not in answer


@pytest.mark.parametrize("word", ["store", "data_directory"])
def test_what_does_not_work_is_said_in_one_word(
    site: Site, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    def broken() -> bool:
        raise OSError(28, "No space left on device", "/secret/path")

    failing_check(site, monkeypatch, word, broken)
    answer = asked(site, 503)
    assert answer.pop("version")
    assert answer == {"success": True, "live": True, "ready": False, "not_ready": [word]}


def test_a_live_server_is_live_though_it_is_not_ready(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_check(site, monkeypatch, "store", lambda: False)
    assert asked(site, 200, "?check=live")["not_ready"] == ["store"]


def test_a_store_that_hangs_is_waited_for_a_bounded_time_and_by_one_thread(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WAIT_SECONDS", 0.05)
    hang, waiting = threading.Event(), []

    def hanging() -> bool:
        waiting.append(threading.current_thread())
        return hang.wait(60)

    failing_check(site, monkeypatch, "store", hanging)
    try:
        for _ in range(3):
            assert "store" in asked(site, 503)["not_ready"]
        assert len(waiting) == 1
    finally:
        hang.set()


def test_however_many_ask_the_store_is_asked_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 3600.0)
    asks: list[int] = []

    def ask() -> bool:
        asks.append(1)
        return True

    failing_check(site, monkeypatch, "store", ask)
    site.server._context.checks._asked_at = -3600.0
    for _ in range(20):
        asked(site, 200)
    assert len(asks) == 1


def test_before_and_after_it_serves_it_is_not_ready(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for phase in ("starting", "leaving"):
        monkeypatch.setattr(site.server._context, "phase", phase)
        assert asked(site, 503)["not_ready"] == [phase]


def test_another_check_is_refused(site: Site) -> None:
    error = site.get("/health?check=all", "Error", status=422, headers=NOBODY)
    assert error["field"] == "check"


def test_a_directory_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    assert health.can_be_written(tmp_path) and list(tmp_path.iterdir()) == []
    with pytest.raises(OSError):
        health.can_be_written(tmp_path / "gone")
