"""What is read out of NVML's answers, and that the tests' fake has the face of the real library."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trainstop.gpu import nvml
from trainstop.gpu.conftest import FAKE, GIB, FakeMachine, device
from trainstop.gpu.driver import has_driver

pynvml = importlib.import_module("pynvml")  # by name: it bears no types


def asked(python: str | Path) -> dict[str, Any]:
    """What the real probe prints under this interpreter."""
    done = subprocess.run(
        [python, "-I", "-m", "trainstop.gpu"], capture_output=True, text=True, check=True, timeout=60
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def used_names() -> set[str]:
    """Every name of the library that our code mentions."""
    tree = ast.parse(Path(nvml.__file__).read_text())
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "nvml"
    }


@pytest.fixture(scope="module")
def fake() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_pynvml", FAKE / "pynvml.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_we_ask_for_is_in_the_real_library_and_in_the_fake_with_the_same_face(
    fake: ModuleType,
) -> None:
    names = used_names()
    assert {"nvmlInit", "nvmlDeviceGetComputeRunningProcesses", "NVMLError_NotSupported"} <= names
    for name in names:
        real, ours = getattr(pynvml, name), getattr(fake, name)
        if isinstance(real, type):
            assert issubclass(real, Exception), name
            assert issubclass(ours, Exception), name
            assert issubclass(real, pynvml.NVMLError) == issubclass(ours, fake.NVMLError), name
        elif callable(real):
            assert list(inspect.signature(real).parameters) == list(inspect.signature(ours).parameters), name
        else:
            assert real == ours, name


def test_the_fake_fails_with_the_classes_and_words_of_the_real_library(fake: ModuleType) -> None:
    for code in fake._ERRORS:
        real, ours = pynvml.NVMLError(code), fake.NVMLError(code)
        assert type(real).__name__ == type(ours).__name__
        assert str(real) == str(ours)
        assert real.value == ours.value


def test_the_fields_that_we_read_are_those_of_the_real_structures() -> None:
    assert {"pid", "usedGpuMemory"} <= {field[0] for field in pynvml.c_nvmlProcessInfo_v3_t._fields_}
    assert {"total", "used"} <= {field[0] for field in pynvml.c_nvmlMemory_t._fields_}


def test_the_real_library_on_this_machine() -> None:
    answer = asked(sys.executable)
    if has_driver():
        assert "driver_version" in answer or answer["unavailable"].startswith("NVIDIA's driver answers: ")
    else:
        assert answer["unavailable"].startswith("This machine has no NVIDIA driver")
        assert answer["for_good"] is False


def test_without_the_library_the_answer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    answer = nvml.ask()
    assert answer["for_good"] is True
    assert 'pip install "trainstop[gpu]"' in answer["unavailable"]


def test_a_device_is_told_with_its_memory_and_everybody_on_it_once(machine: FakeMachine) -> None:
    machine.hold(11, 5 * GIB, listed="for ever", used="for ever")
    machine.hold(11, 6 * GIB, listed="for ever", used="never", type="graphics")
    machine.hold(12, None, listed="for ever", type="mps")
    answer = asked(machine.python)
    assert answer["driver_version"] == "570.86.15"
    [told] = answer["devices"]
    assert (told["uuid"], told["index"], told["mig"], told["name"]) == ("GPU-0", 0, None, "NVIDIA H100")
    assert (told["used_bytes"], told["total_bytes"], told["error"]) == (GIB // 2 + 5 * GIB, 80 * GIB, None)
    assert told["processes"] == [
        {"pid": 11, "type": "compute", "used_bytes": 6 * GIB},
        {"pid": 12, "type": "mps", "used_bytes": None},
    ]


def test_a_gpu_that_is_split_is_told_instance_by_instance(machine: FakeMachine) -> None:
    parts = [device("MIG-a"), device("MIG-b", error=4)]
    machine.change(devices=[device(mig=parts, list_error=4), device("GPU-1")])
    machine.hold(11, None, device="MIG-a", listed="for ever")
    first, second, third = asked(machine.python)["devices"]
    assert (first["uuid"], first["index"], first["mig"]) == ("MIG-a", 0, 0)
    assert first["processes"] == [{"pid": 11, "type": "compute", "used_bytes": None}]
    assert (second["uuid"], second["mig"], second["error"]) == (None, 1, "Insufficient Permissions")
    assert (third["uuid"], third["index"], third["mig"]) == ("GPU-1", 1, None)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"error": 15}, "GPU is lost"),
        ({"error": 16}, "GPU requires restart"),
        ({"list_error": 4}, "Insufficient Permissions"),
        ({"list_error": 3}, "Not Supported"),
    ],
)
def test_a_device_that_can_not_be_read_says_why_and_the_others_are_read(
    machine: FakeMachine, broken: dict[str, Any], error: str
) -> None:
    machine.change(devices=[device(**broken), device("GPU-1")])
    first, second = asked(machine.python)["devices"]
    assert (first["error"], first["processes"], second["error"]) == (error, [], None)


def test_a_driver_without_lists_for_mps_or_figures_for_memory_is_read_without_them(
    machine: FakeMachine,
) -> None:
    machine.change(devices=[device(total=None, no_mps=True)])
    machine.hold(11, None, listed="for ever")
    [told] = asked(machine.python)["devices"]
    assert (told["used_bytes"], told["total_bytes"], told["error"]) == (None, None, None)
    assert [process["pid"] for process in told["processes"]] == [11]


@pytest.mark.parametrize(("code", "words"), [(9, "Driver Not Loaded"), (999, "Unknown Error")])
def test_a_driver_that_does_not_start_says_why(machine: FakeMachine, code: int, words: str) -> None:
    machine.change(init_error=code)
    expected = {"unavailable": f"NVIDIA's driver answers: {words}.", "for_good": False}
    assert asked(machine.python) == expected
