"""What a server warns of about a job. Older servers warn of nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Warned:
    code: str
    sentence: str


def warnings_of(job: dict[str, Any]) -> list[Warned]:
    """Of the wire's `warnings`: `[{code, message}]`, or sentences."""
    found = []
    for each in job.get("warnings") or []:
        if isinstance(each, dict):
            sentence = str(each.get("message") or each.get("code") or each)
            found.append(Warned(str(each.get("code") or "warning"), sentence))
        else:
            found.append(Warned("warning", str(each)))
    return found
