"""What a command can't do, told in one plain sentence."""

from __future__ import annotations

FAILED = 1
"""Exit code: it can't be done, and the sentence says why."""
MISUSED = 2
"""The command line makes no sense."""
RUN_FAILED = 3
"""The command did its part, but the run failed, or did not do what was asked."""
STILL_UNDER_WAY = 4
"""The command ended before what it was about did."""
INTERRUPTED = 130
"""Ctrl-C."""


class PlainError(Exception):
    """What, why, and what to do: one or two sentences. Ends the command."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code
