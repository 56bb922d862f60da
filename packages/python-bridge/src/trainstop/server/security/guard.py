"""What every request must pass before any route sees it."""

from __future__ import annotations

import asyncio
import math
import re
import time
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainstop.server.routes.answer import refuse
from trainstop.server.security.caller import Caller, CredentialError, KeysUnreachableError, put_caller
from trainstop.server.security.cors import Cors
from trainstop.server.security.credentials import Credentials
from trainstop.server.security.hosts import AllowedHosts, split_host
from trainstop.server.security.limits import Limits

_SECRET_NAMES = frozenset(
    {"token", "access_token", "auth_token", "api_key", "apikey", "authorization", "bearer", "password"}
)
_REPORT = re.compile(r".*/jobs/[^/]*/report", re.DOTALL)
KEYS_RETRY_SECONDS = 5.0
BELIEVED_OF_HOSTS = ("trainstop-owner", "trainstop-actor")
"""Headers by which a host's handler, which bears the server's token, says for whom it speaks."""


class Guard:
    """ASGI middleware: Host, then where a browser comes from, then the credential, then the limits."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        credentials: Credentials,
        hosts: AllowedHosts,
        limits: Limits,
        cors: Cors,
        open_paths: frozenset[str],
    ) -> None:
        """`open_paths` need no credential."""
        self._app = app
        self._credentials = credentials
        self._hosts = hosts
        self._limits = limits
        self._cors = cors
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._cors.mark(message, headers)
            await send(message)

        answer = (
            self._wrong_host(scope, headers)
            or self._foreign_page(scope, headers)
            or self._cors.preflight(scope, headers)
            or self._secret_in_url(scope)
        )
        if answer is not None:
            await answer(scope, receive, marked)
        elif scope["path"] in self._open_paths:
            await self._app(scope, receive, marked)
        else:
            await self._closed(scope, headers, receive, marked)

    async def _closed(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        try:
            caller = await self._credentials.caller(headers.getlist("authorization"))
        except CredentialError as error:
            await self._unauthenticated(scope, str(error))(scope, receive, send)
            return
        except KeysUnreachableError as error:
            answer = refuse(scope, 502, "server_unreachable", str(error))
            answer.headers["Retry-After"] = _seconds(KEYS_RETRY_SECONDS)
            await answer(scope, receive, send)
            return
        refusal = self._beyond_its_rights(scope, headers, caller) or self._beyond_limits(
            scope, headers, caller
        )
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        put_caller(scope, caller)
        with self._limits.place(scope, headers, caller):
            if caller.expires_at is None:
                await self._app(scope, receive, send)
            else:
                await _until(caller.expires_at, self._app, scope, receive, send)

    def _wrong_host(self, scope: Scope, headers: Headers) -> Response | None:
        server = scope.get("server")
        if len(headers.getlist("host")) == 1 and self._hosts.admit(
            headers["host"], None if server is None else server[0]
        ):
            return None
        sentence = (
            "The server is not known under this host name; address it by its own, or add the name to "
            "server.allowed_hosts in its configuration."
        )
        return refuse(scope, 403, "forbidden", sentence)

    def _foreign_page(self, scope: Scope, headers: Headers) -> Response | None:
        """Pages of other origins, those of other ports on this machine too, have no business here, but for
        those that the operator listed."""
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if self._cors.admits(headers) and len(sites) <= 1:
            return None
        if all(site in ("none", "same-origin") for site in sites) and all(
            _same_host(origin, headers["host"]) for origin in origins
        ):
            return None
        sentence = (
            "The server does not answer pages of other origins; go through your own host's control route."
        )
        return refuse(scope, 403, "forbidden", sentence)

    def _secret_in_url(self, scope: Scope) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        for name, value in query:
            if name.lower() in _SECRET_NAMES or self._credentials.is_secret(value):
                sentence = (
                    "A token must not stand in a URL, where logs keep it; send it as an Authorization header."
                )
                return refuse(scope, 400, "invalid_request", sentence)
        return None

    def _unauthenticated(self, scope: Scope, sentence: str) -> Response:
        wait = self._limits.refused(scope)
        if wait:
            answer = _too_often(scope, wait)
            answer.headers["Connection"] = "close"  # the next guess costs a connection
            return answer
        answer = refuse(scope, 401, "unauthenticated", sentence)
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    def _beyond_its_rights(self, scope: Scope, headers: Headers, caller: Caller) -> Response | None:
        if caller.kind == "worker" and not (scope["method"] == "POST" and _REPORT.fullmatch(scope["path"])):
            sentence = "A run's token is for its reports about itself and for nothing else."
            return refuse(scope, 403, "forbidden", sentence)
        if caller.kind != "service" and any(name in headers for name in BELIEVED_OF_HOSTS):
            sentence = (
                "Trainstop-Owner and Trainstop-Actor are taken from bearers of the server's own token only; "
                "leave them out: this token says who you are."
            )
            return refuse(scope, 403, "forbidden", sentence)
        return None

    def _beyond_limits(self, scope: Scope, headers: Headers, caller: Caller) -> Response | None:
        wait = self._limits.exceeded(scope, headers, caller)
        return _too_often(scope, wait) if wait else None


def _too_often(scope: Scope, wait: float) -> Response:
    seconds = _seconds(wait)
    sentence = f"Too many requests at once; try again in {seconds} seconds."
    answer = refuse(scope, 429, "rate_limited", sentence)
    answer.headers["Retry-After"] = seconds
    return answer


def _seconds(wait: float) -> str:
    return str(max(1, math.ceil(wait)))


async def _until(expires_at: float, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve; a stream ends when the credential does. Clients come back with their cursor and a new token."""
    streaming = False
    try:
        async with asyncio.timeout(None) as limit:

            async def watched(message: Message) -> None:
                nonlocal streaming
                if message["type"] == "http.response.start":
                    type_ = Headers(raw=message["headers"]).get("content-type", "")
                    streaming = type_.startswith("text/event-stream")
                    if streaming:
                        left = max(0.0, expires_at - time.time())
                        limit.reschedule(asyncio.get_running_loop().time() + left)
                await send(message)

            await app(scope, receive, watched)
    except TimeoutError:
        if not (streaming and limit.expired()):
            raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    ours, theirs = split_host(host), split_host(parts.netloc)
    return ours is not None and ours == theirs and parts.scheme in ("http", "https")
