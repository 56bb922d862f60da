"""A specification is checked whole before anything is started."""

from __future__ import annotations

from typing import Any

import pytest

from trainstop.shim.spec import Spec, SpecError

GOOD: dict[str, Any] = {
    "job_id": "job_1",
    "attempt": 1,
    "argv": ["python", "train.py", ""],
    "cwd": "/tmp",
    "env": {"PATH": "/bin", "EMPTY": ""},
    "server_wake": None,
    "linger_seconds": 0,
    "log_limit_bytes": 1000,
    "resume": None,
}


def test_a_good_one_is_taken_as_it_is() -> None:
    spec = Spec(GOOD | {"unknown to this version": 1})
    assert {name: getattr(spec, name) for name in Spec.__slots__} == {
        name: value for name, value in GOOD.items() if name != "resume"
    }


@pytest.mark.parametrize("name", [name for name in GOOD if name not in ("resume", "log_limit_bytes")])
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(SpecError, match=f"^{name} is missing"):
        Spec({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("job_id", ""),
        ("attempt", 0),
        ("attempt", True),
        ("argv", []),
        ("argv", [""]),
        ("argv", "python train.py"),
        ("argv", ["python", 3]),
        ("argv", ["a\0b"]),
        ("cwd", None),
        ("env", {"A": 1}),
        ("env", {"A=B": "x"}),
        ("env", {"": "x"}),
        ("env", {"A": "x\0"}),
        ("server_wake", 3),
        ("log_limit_bytes", -1),
        ("log_limit_bytes", 1.5),
        ("linger_seconds", -1),
        ("linger_seconds", float("nan")),
        ("linger_seconds", float("inf")),
        ("linger_seconds", "5"),
    ],
)
def test_a_field_that_cannot_be_meant_is_named_with_what_it_must_be(name: str, value: object) -> None:
    with pytest.raises(SpecError, match=f"^{name} must be .*, but is: "):
        Spec(GOOD | {name: value})


def test_one_of_a_server_that_knew_no_limit_of_the_output_gets_the_usual_one() -> None:
    assert (
        Spec({name: value for name, value in GOOD.items() if name != "log_limit_bytes"}).log_limit_bytes > 0
    )
