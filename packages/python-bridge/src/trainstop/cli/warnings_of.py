"""What a server warns of about a job. Older servers warn of nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Warned:
    code: str
    sentence: str


class NewWarnings:
    """Tells each warning of a job once, while it lasts: one that comes again is news again."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def of(self, job: dict[str, Any]) -> list[str]:
        """The sentences that were not told yet."""
        sentences = [warned.sentence for warned in warnings_of(job)]
        new = [sentence for sentence in sentences if sentence not in self._told]
        self._told = set(sentences)
        return new


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
