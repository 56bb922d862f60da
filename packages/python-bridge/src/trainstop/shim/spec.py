"""What to start: `spec.json`, checked before anything is started."""

from __future__ import annotations

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.layout import LARGEST_SPEC_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


LOG_LIMIT_BYTES = 256 << 20
"""Of an attempt's output, where the server that wrote the specification knew no limit."""


class SpecError(Exception):
    """The message is one plain sentence: what is wrong with which field."""


class Spec:
    """The parts of `spec.json` that the shim needs; the rest is for the training process."""

    __slots__ = (
        "argv",
        "attempt",
        "cwd",
        "env",
        "job_id",
        "linger_seconds",
        "log_limit_bytes",
        "server_wake",
    )

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise SpecError(f"it must be an object, but is: {value!r:.80}")
        self.job_id: str = _of(value, "job_id", _is_text, "a string that is not empty")
        self.attempt: int = _of(value, "attempt", _is_count, "a whole number from 1 on")
        self.argv: list[str] = _of(value, "argv", _is_argv, "a list of strings, the program first")
        self.cwd: str = _of(value, "cwd", _is_text, "a directory")
        self.env: dict[str, str] = _of(value, "env", _is_environment, "an object of strings")
        self.server_wake: str | None = _of(value, "server_wake", _is_text_or_none, "a path or null")
        self.log_limit_bytes: int = LOG_LIMIT_BYTES
        if "log_limit_bytes" in value:
            self.log_limit_bytes = _of(value, "log_limit_bytes", _is_size, "bytes, 0 for no limit")
        self.linger_seconds: float = _of(value, "linger_seconds", _is_duration, "seconds, 0 or more")


def read_spec(path: Path) -> Spec:
    """Raises SpecError for a file that is missing, broken, or asks for something that can't be started."""
    try:
        value = read_json(path, largest=LARGEST_SPEC_BYTES)
        if value is None:
            raise SpecError("there is no such file")
        return Spec(value)
    except (OSError, ValueError, SpecError) as error:
        raise SpecError(f"The job can't be read from {path}: {error}") from None


def _of(value: dict[str, Any], name: str, check: Any, expected: str) -> Any:
    if name not in value:
        raise SpecError(f"{name} is missing; it must be {expected}")
    if not check(value[name]):
        raise SpecError(f"{name} must be {expected}, but is: {value[name]!r:.80}")
    return value[name]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def _is_text_or_none(value: object) -> bool:
    return value is None or _is_text(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_duration(value: object) -> bool:
    # The upper bound refuses infinity and NaN, and whoever wrote milliseconds.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 86_400


def _is_argv(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(word, str) and "\0" not in word for word in value)
        and value[0] != ""
    )


def _is_environment(value: object) -> bool:
    return isinstance(value, dict) and all(
        _is_text(name) and "=" not in name and isinstance(text, str) and "\0" not in text
        for name, text in value.items()
    )
