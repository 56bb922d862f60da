"""The credentials that the server knows: its own token, a run's, a person's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainstop.server.security.caller import Caller, CredentialError
from trainstop.server.security.token import Token
from trainstop.server.security.worker_token import WORKER_TOKEN, WorkerTokens

if TYPE_CHECKING:
    from trainstop.server.security.people import People

MISSING = "The request bears no token; send Authorization: Bearer <token>."
NOT_OURS = "The token is not this server's; look into its token file."
JSON_WEB_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
"""Base64 of `{"`, twice, and a signature."""


class Credentials:
    def __init__(self, token: Token, workers: WorkerTokens, people: People | None) -> None:
        """`people` None: nobody has a token of their own."""
        self._token = token
        self._workers = workers
        self._people = people

    async def caller(self, authorization: list[str]) -> Caller:
        """Who bears these Authorization headers. Raises CredentialError, KeysUnreachableError."""
        if not authorization:
            raise CredentialError(MISSING)
        if len(authorization) > 1:
            raise CredentialError("The request bears two tokens; send one.")
        if self._token.admits(authorization[0].encode("latin-1")):
            return Caller("service")
        scheme, _, token = authorization[0].partition(" ")
        if scheme.lower() != "bearer":
            raise CredentialError(MISSING)
        token = token.strip()
        run = self._workers.run_of(token)
        if run is not None:
            return Caller("worker", job_id=run[0], attempt=run[1])
        if self._people is not None and token.count(".") == 2:
            return await self._people.caller(token)
        raise CredentialError(NOT_OURS)

    def is_secret(self, text: str) -> bool:
        """Whether a text is one of them, or looks like one."""
        return self._token.is_value(text.encode("utf-8", "surrogatepass")) or any(
            shape.fullmatch(text) is not None for shape in (WORKER_TOKEN, JSON_WEB_TOKEN)
        )
