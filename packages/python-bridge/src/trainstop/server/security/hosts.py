"""Which names the server may be addressed by: a web page that rebinds its own name finds no server."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")


def split_host(header: str) -> tuple[str, int | None] | None:
    """(name, port or None) of a Host header; None when it is none. `[::1]:8000` is `::1` and 8000."""
    match = _HOST.fullmatch(header)
    if match is None:
        return None
    name = (match[1] or match[2]).lower().rstrip(".")
    port = None if match[3] is None else int(match[3])
    return None if not name or (port is not None and port > 65_535) else (name, port)


def is_loopback(name: str) -> bool:
    """Whether a name or address means this machine, without asking a resolver."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class AllowedHosts:
    """Loopback, the machine's own name, the addresses it is reached at, and what the operator adds."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._names = {socket.gethostname().lower(), *(name.lower().rstrip(".") for name in more)}

    def admit(self, header: str | None, reached_at: str | None) -> bool:
        """`reached_at`: the address that the connection came in at. An address in the Host header that is
        this very one can't be a rebound name."""
        host = None if header is None else split_host(header)
        if host is None:
            return False
        name = host[0]
        return (
            is_loopback(name)
            or name in self._names
            or (reached_at is not None and name == reached_at.lower())
        )
