"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    state: State
    """`warning`: it works, less well or with less proof. `failed`: something will not work."""
    sentence: str
    follows: str | None = None
    """What comes of it, or what to do."""

    def wire(self) -> dict[str, Any]:
        return asdict(self)


def ok(name: str, sentence: str) -> Finding:
    return Finding(name, "ok", sentence)


def warning(name: str, sentence: str, follows: str) -> Finding:
    return Finding(name, "warning", sentence, follows)


def failed(name: str, sentence: str, follows: str) -> Finding:
    return Finding(name, "failed", sentence, follows)
