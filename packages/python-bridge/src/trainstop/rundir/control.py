"""The control file: the command in force for one attempt. Written by the server alone."""

from __future__ import annotations

from pathlib import Path

from trainstop.rundir.atomic_file import read_json, write_json_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NotRequired, TypedDict

    Mode = Literal["graceful", "checkpoint", "epoch", "force"]

    class ControlCommand(TypedDict):
        """What shim and ranks need of a command. Times are Unix seconds, absolute."""

        id: str
        action: Literal["cancel", "pause", "resume"]
        """`resume`: a run that is held goes on."""
        mode: Mode
        hold: NotRequired[bool]
        """Pause only, default false: stand still at a step and keep the GPU, rather than save and leave."""
        created_at: float
        wait_until: NotRequired[float | None]
        """`checkpoint` and `epoch`: until when the run goes on to the place where it may leave; from then on
        it is a graceful stop. None for the other modes."""
        term_at: float | None
        """When the shim sends SIGTERM to the main process; None where nothing is ever killed."""
        reported: NotRequired[bool]
        """A rank reports by HTTP and hears of this in the answers, though it has no file here."""
        deadline: float
        """Cancel: when everything left is killed. Otherwise when the command expires: a paused run goes on, a
        held one stays held. `NEVER` for a hold that was reached, which lasts until it is lifted."""


NEVER = 253_402_300_799.0
"""The end of the year 9999, as a deadline."""


def write_control(path: Path, command: ControlCommand | None) -> None:
    """Waits for no disk, so that a stop doesn't either: whoever reads this file dies in the power cut that
    could damage it, and the server, whose store has the command, writes a damaged one anew."""
    write_json_atomically(path, {"command": command}, durable=False)


def read_control(path: Path) -> ControlCommand | None:
    """The command in force; None when there is none or no file yet."""
    value = read_json(path)
    return None if value is None else value["command"]
