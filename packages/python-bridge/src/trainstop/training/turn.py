"""What `end_step` answers."""

from __future__ import annotations


class Turn:
    """`save`: write a checkpoint now, with `run.checkpoint`. `stop`: then leave the training loop."""

    __slots__ = ("save", "stop")

    def __init__(self, save: bool, stop: bool) -> None:
        self.save = save
        self.stop = stop

    def __repr__(self) -> str:
        return f"Turn(save={self.save}, stop={self.stop})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Turn) and (self.save, self.stop) == (other.save, other.stop)

    def __hash__(self) -> int:
        return hash((self.save, self.stop))


# Made once: end_step is called on every step and makes nothing.
GO_ON = Turn(save=False, stop=False)
SAVE = Turn(save=True, stop=False)
SAVE_AND_STOP = Turn(save=True, stop=True)
STOP = Turn(save=False, stop=True)
