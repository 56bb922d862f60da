"""Pages of the origins that the operator lists, and of no other."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Scope

EXPOSED = "ETag, X-Request-Id, Retry-After, Preference-Applied"
ALLOWED_HEADERS = ", ".join(
    (
        *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
        *("Last-Event-ID", "Prefer", "X-Request-Id"),
    )
)
METHODS = "GET, POST"
PREFLIGHT_SECONDS = 600


class Cors:
    """Off while there is no origin. Credentials (cookies) are never allowed: there are none."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self._origins = frozenset(origins)

    def admits(self, headers: Headers) -> bool:
        """Whether the request comes from a page of a listed origin."""
        given = headers.getlist("origin")
        return len(given) == 1 and given[0] in self._origins

    def preflight(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a browser that asks whether such a page may; None when it is no such question."""
        if scope["method"] != "OPTIONS" or not self.admits(headers):
            return None
        if "access-control-request-method" not in headers:
            return None
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            },
        )

    def mark(self, message: Message, headers: Headers) -> None:
        """Say on the start of an answer who may read it."""
        if not self._origins:
            return
        answer = MutableHeaders(scope=message)
        answer.add_vary_header("Origin")
        if self.admits(headers):
            answer["Access-Control-Allow-Origin"] = headers["origin"]
            answer["Access-Control-Expose-Headers"] = EXPOSED
