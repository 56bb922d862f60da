"""Which limit a request counts towards, and whether it is within."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Hashable
from contextlib import AbstractContextManager, nullcontext

from starlette.datastructures import Headers
from starlette.types import Scope

from trainstop.server.configuration.limits_section import LimitsSection
from trainstop.server.security.caller import Caller
from trainstop.server.security.rate_limit import Places, RateLimit

_CONTROL = re.compile(r".*/(?:local/[^/]*/control|(?:cancel|pause|resume)/[^/]*)", re.DOTALL)
STREAMS_RETRY_SECONDS = 5.0


class Limits:
    def __init__(self, section: LimitsSection) -> None:
        self._reads = RateLimit(section.reads_per_second)
        self._starts = RateLimit(section.starts_per_second)
        self._controls = RateLimit(section.controls_per_second)
        self._reports = RateLimit(section.reports_per_second)
        self._refusals = RateLimit(section.refusals_per_second)
        self._streams = Places(section.streams, section.streams_per_owner)

    def exceeded(self, scope: Scope, headers: Headers, caller: Caller) -> float:
        """0: within. Else the seconds after which to try again."""
        who = _who(headers, caller)
        wait = self._of(scope, caller).take(who)
        if not wait and _is_stream(scope) and not self._streams.free(who):
            return STREAMS_RETRY_SECONDS
        return wait

    def place(self, scope: Scope, headers: Headers, caller: Caller) -> AbstractContextManager[None]:
        """Hold it for as long as the answer takes."""
        return self._streams.take(_who(headers, caller)) if _is_stream(scope) else nullcontext()

    def refused(self, scope: Scope) -> float:
        """Call for a credential that was not taken. As `exceeded`: guessing gets slow."""
        client = scope.get("client")
        return self._refusals.take(_network_of(client[0]) if client else None)

    def _of(self, scope: Scope, caller: Caller) -> RateLimit:
        if caller.kind == "worker":
            return self._reports
        if scope["method"] == "GET" or _is_stream(scope):
            return self._reads
        return self._controls if _CONTROL.fullmatch(scope["path"]) else self._starts


def _is_stream(scope: Scope) -> bool:
    return str(scope["path"]).endswith("/events")


def _who(headers: Headers, caller: Caller) -> Hashable:
    """None: the operator's own, for everybody at once."""
    if caller.kind == "worker":
        return caller.job_id, caller.attempt
    if caller.kind == "person":
        return caller.id
    owner = headers.get("trainstop-owner")
    if owner is None or len(owner) <= 64:
        return owner
    return hashlib.sha256(owner.encode("latin-1")).digest()


def _network_of(address: str) -> str:
    """Whoever has one IPv6 address has the 2^64 around it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
