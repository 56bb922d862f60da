"""Where the server of a data directory is reached: `server-address.json`, there while it serves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainstop.rundir.atomic_file import read_json, write_json_atomically
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.process_identity import boot_id, identify, is_alive

if TYPE_CHECKING:
    from trainstop.rundir.process_identity import ProcessIdentity

NAME = "server-address.json"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    url: str
    """As reached from this machine."""
    token_file: Path
    identity: ProcessIdentity
    started: str

    @property
    def is_gone(self) -> bool:
        """Whether the process that wrote this is certainly no more. Of another machine's, none is."""
        return self.identity["boot_id"] == boot_id() and not is_alive(self.identity)


def write_server_address(data_dir: Path, url: str, token_file: Path) -> None:
    """Raises OSError."""
    identity = identify(os.getpid())
    told = {
        "url": url,
        "token_file": str(token_file.resolve()),
        **(identity or {}),
        "started": rfc3339(now()),
    }
    write_json_atomically(data_dir / NAME, told)


def remove_server_address(data_dir: Path) -> None:
    """Only what this process wrote."""
    address = read_server_address(data_dir)
    if address is not None and address.identity["pid"] == os.getpid():
        (data_dir / NAME).unlink(missing_ok=True)


def read_server_address(data_dir: Path) -> ServerAddress | None:
    """None where there is none, or none that can be understood. Raises OSError."""
    try:
        told = read_json(data_dir / NAME)
        if told is None:
            return None
        identity: ProcessIdentity = {
            "boot_id": str(told["boot_id"]),
            "pid": int(told["pid"]),
            "start_ticks": int(told["start_ticks"]),
        }
        return ServerAddress(str(told["url"]), Path(told["token_file"]), identity, str(told["started"]))
    except (ValueError, KeyError, TypeError):
        return None
