"""`import trainstop` loads nothing, `trainstop.run` nothing but the standard library and its own rooms."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trainstop


def modules_after(statements: str) -> set[str]:
    script = f"import sys\nbefore = set(sys.modules)\n{statements}\nprint(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_alone_loads_nothing_else() -> None:
    assert modules_after("import trainstop; trainstop.__version__") == {"trainstop"}


def test_a_script_loads_neither_server_nor_shim_nor_any_package() -> None:
    loaded = modules_after("import trainstop; trainstop.run; trainstop.Turn")
    rooms = {name.split(".")[1] for name in loaded if name.startswith("trainstop.")}
    assert rooms == {"training", "checkpoints", "rundir"}
    tops = {name.split(".")[0] for name in loaded}
    assert tops - {"trainstop"} <= set(sys.stdlib_module_names)
    # What costs milliseconds and is needed only now and then, or never.
    assert not tops & {"typing", "dataclasses", "asyncio", "tempfile", "hashlib", "logging", "inspect"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        trainstop.nothing  # noqa: B018
