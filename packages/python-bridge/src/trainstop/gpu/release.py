"""Once the run's processes are gone: asked again and again until its devices are free, or time is up."""

from __future__ import annotations

import time

from trainstop.gpu import sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from trainstop.gpu.holding import Holding, Left
    from trainstop.gpu.probe import Answer

RELEASE_SECONDS = 20.0
"""How long a device may take to come free. It is a second or two: the kernel gives back memory page by
page."""

AGAIN_SECONDS = 0.25
"""From one answer to the next question, while something is left."""


class Release:
    """Begins when the tree is gone. `verdict` is there once that is settled."""

    def __init__(self, holding: Holding, since_stop: float | None) -> None:
        """`since_stop`: seconds from the delivery of the stop to now; None when nobody asked."""
        self._holding = holding
        self._since_stop = since_stop
        self._begun_at = time.monotonic()
        self._last: Left | None = None
        self.verdict: dict[str, Any] | None = None
        """The fields of a `resources` fact."""

    def hear(self, answer: Answer) -> None:
        seconds = time.monotonic() - self._begun_at
        left = self._last = self._holding.left(answer)
        if left.is_free:
            since_stop = None if self._since_stop is None else self._since_stop + seconds
            self.verdict = _fact("done", sentences.free(self._holding, left, seconds, since_stop))
        elif seconds >= RELEASE_SECONDS or answer.get("for_good"):
            self.give_up()

    @property
    def overdue(self) -> bool:
        return time.monotonic() - self._begun_at >= RELEASE_SECONDS

    def give_up(self) -> None:
        """Settle it by the last answer there was. Where part of it can't be seen, what is seen to be held
        counts."""
        left = self._last
        if left is None:
            self.verdict = _fact("not_measured", "The run held a GPU, but the driver has not answered since.")
        elif left.ours or left.unlisted:
            self.verdict = _fact("failed", sentences.held(left, time.monotonic() - self._begun_at))
        else:
            self.verdict = _fact("not_measured", sentences.unknown(left))


def _fact(state: str, detail: str) -> dict[str, Any]:
    return {"state": state, "detail": detail}
