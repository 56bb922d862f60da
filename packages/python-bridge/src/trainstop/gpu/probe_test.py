"""A question that never harms whoever asks."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainstop.gpu import probe as probe_module
from trainstop.gpu.measurable import what_can_be_measured
from trainstop.gpu.probe import NO_ANSWER, Probe, ask_driver, parse

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["devices", "processes", "pid", "uuid", "used_bytes", "unavailable", "error"]),
            inner,
        )
    ),
    max_leaves=20,
)


def is_answer(answer: dict[str, Any]) -> bool:
    if "unavailable" in answer:
        return isinstance(answer["unavailable"], str) and isinstance(answer["for_good"], bool)
    return all(type(p["pid"]) is int for device in answer["devices"] for p in device["processes"])


@given(st.binary(max_size=200))
def test_whatever_bytes_a_probe_prints_the_result_is_an_answer(said: bytes) -> None:
    assert is_answer(parse(said))


@given(_json)
def test_whatever_a_probe_says_in_json_the_result_is_an_answer(said: Any) -> None:
    import json

    assert is_answer(parse(json.dumps(said).encode()))


def test_a_deeply_nested_answer_is_none() -> None:
    assert "unavailable" in parse(b"[" * 100_000)


def asking(monkeypatch: pytest.MonkeyPatch, program: str, *, seconds: float = 60.0) -> dict[str, Any]:
    monkeypatch.setattr(probe_module, "COMMAND", ("-I", "-S", "-c", program))
    monkeypatch.setattr(probe_module, "ANSWER_SECONDS", seconds)
    return ask_driver()


@pytest.mark.parametrize(
    "program",
    ["", "print('{')", "raise SystemExit(1)", "import os; os.kill(os.getpid(), 9)", "print('x' * 3000000)"],
)
def test_one_that_dies_or_talks_nonsense_is_an_answer_that_says_so(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    assert "makes sense" in asking(monkeypatch, program)["unavailable"]


def test_one_that_hangs_is_killed_and_nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests of this process may have children of their own: a database, say.
    before = children()
    answer = asking(monkeypatch, "import time; time.sleep(1000)", seconds=0.2)
    assert answer == {"unavailable": NO_ANSWER, "for_good": False}
    assert children() <= before


def is_inheritable(descriptor: str) -> bool:
    try:
        return os.get_inheritable(int(descriptor))
    except OSError:  # the listing's own
        return False


def children() -> set[str]:
    """Of this process; those that were not waited for too."""
    return {pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()}


def test_whoever_must_go_waits_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "COMMAND", ("-I", "-S", "-c", "import time; time.sleep(1000)"))
    assert ask_driver(lambda: True)["unavailable"] == NO_ANSWER


def test_a_machine_that_starts_no_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "No process can be started" in ask_driver()["unavailable"]


def test_a_probe_has_signals_an_environment_and_files_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = (
        "import os, time; print(os.environ.get('SECRET'), os.getpgid(0) == os.getpid()); time.sleep(1000)"
    )
    monkeypatch.setenv("SECRET", "hunter2")
    monkeypatch.setattr(probe_module, "COMMAND", ("-I", "-S", "-u", "-c", program + "; time.sleep(1000)"))
    with (tmp_path / "file").open("w"):
        probe = Probe()
        try:
            ends = time.monotonic() + 60
            while b"\n" not in probe._said and time.monotonic() < ends:
                assert probe.answer() is None
                time.sleep(0.01)
            assert probe._said == b"None True\n"
            # Beside its three only what whoever started these tests left open; a shim leaves nothing.
            inherited = {path.name for path in Path("/proc/self/fd").iterdir() if is_inheritable(path.name)}
            assert {path.name for path in Path(f"/proc/{probe.pid}/fd").iterdir()} <= {
                "0",
                "1",
                "2",
            } | inherited
        finally:
            probe.kill()
            probe.close()
            os.waitpid(probe.pid, 0)


def test_what_a_machine_can_measure_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainstop.gpu import measurable

    device = {"uuid": "GPU-0", "name": "NVIDIA H100", "error": None}
    lost = {"uuid": None, "name": None, "error": "GPU is lost"}
    for driver, answer, can, words in (
        (False, {}, False, "This machine has no NVIDIA driver."),
        (True, {"unavailable": "Driver Not Loaded.", "for_good": False}, False, "Driver Not Loaded."),
        (True, {"driver_version": "570", "devices": [lost]}, False, "GPU is lost"),
        (True, {"driver_version": "570", "devices": [device, device, lost]}, True, "2 GPUs (NVIDIA H100)"),
    ):
        monkeypatch.setattr(measurable, "has_driver", lambda driver=driver: driver)
        monkeypatch.setattr(measurable, "ask_driver", lambda answer=answer: answer)
        told, sentence = what_can_be_measured()
        assert (told, words in sentence) == (can, True), sentence
