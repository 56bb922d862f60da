"""The control file: the command in force for one attempt. Written by the server alone."""

from __future__ import annotations

from pathlib import Path

from trainstop.rundir.atomic_file import read_json, write_json_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypedDict

    class ControlCommand(TypedDict):
        """What shim and ranks need of a command. Times are Unix seconds, absolute."""

        id: str
        action: Literal["cancel", "pause"]
        mode: Literal["graceful", "force"]
        created_at: float
        term_at: float | None
        """When the shim sends SIGTERM to the main process; None for a pause, which never kills."""
        deadline: float
        """Cancel: when everything left is killed. Pause: when the command expires and the run goes on."""


def write_control(path: Path, command: ControlCommand | None) -> None:
    write_json_atomically(path, {"command": command})


def read_control(path: Path) -> ControlCommand | None:
    """The command in force; None when there is none or no file yet."""
    value = read_json(path)
    return None if value is None else value["command"]
