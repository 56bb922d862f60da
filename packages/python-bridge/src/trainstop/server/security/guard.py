"""What every request must pass before any route sees it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trainstop.server.routes.answer import refuse
from trainstop.server.security.hosts import AllowedHosts, split_host
from trainstop.server.security.token import Token

_SECRET_NAMES = frozenset(
    {"token", "access_token", "auth_token", "api_key", "apikey", "authorization", "bearer", "password"}
)


class Guard:
    """ASGI middleware: Host, then where a browser comes from, then the token."""

    def __init__(
        self, app: ASGIApp, *, token: Token, hosts: AllowedHosts, open_paths: frozenset[str]
    ) -> None:
        """`open_paths` need no token."""
        self._app = app
        self._token = token
        self._hosts = hosts
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = (
            self._wrong_host(scope, headers)
            or self._foreign_page(headers)
            or self._secret_in_url(scope)
            or self._no_token(scope, headers)
        )
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, code, sentence = refusal
        answer = refuse(scope, status, code, sentence)
        if status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        await answer(scope, receive, send)

    def _wrong_host(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        server = scope.get("server")
        if len(headers.getlist("host")) == 1 and self._hosts.admit(
            headers["host"], None if server is None else server[0]
        ):
            return None
        sentence = (
            "The server is not known under this host name; address it by its own, or add the name to "
            "server.allowed_hosts in its configuration."
        )
        return 403, "forbidden", sentence

    def _foreign_page(self, headers: Headers) -> tuple[int, str, str] | None:
        """Pages of other origins, those of other ports on this machine too, have no business here."""
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if all(site in ("none", "same-origin") for site in sites) and all(
            _same_host(origin, headers["host"]) for origin in origins
        ):
            return None
        sentence = (
            "The server does not answer pages of other origins; go through your own host's control route."
        )
        return 403, "forbidden", sentence

    def _secret_in_url(self, scope: Scope) -> tuple[int, str, str] | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        for name, value in query:
            if name.lower() in _SECRET_NAMES or value == self._token.value:
                sentence = (
                    "A token must not stand in a URL, where logs keep it; send it as an Authorization header."
                )
                return 400, "invalid_request", sentence
        return None

    def _no_token(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        given = headers.getlist("authorization")
        if scope["path"] in self._open_paths:
            return None
        if len(given) == 1 and self._token.admits(given[0].encode("latin-1")):
            return None
        if not given:
            return 401, "unauthenticated", "The request bears no token; send Authorization: Bearer <token>."
        return 401, "unauthenticated", "The token is not this server's; look into its token file."


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    ours, theirs = split_host(host), split_host(parts.netloc)
    return ours is not None and ours == theirs and parts.scheme in ("http", "https")
