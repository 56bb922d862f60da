"""People by tokens of their own: JSON Web Tokens of the operator's identity provider."""

from __future__ import annotations

from typing import Any, Protocol

import jwt

from trainstop.server.control_characters import has_control_characters
from trainstop.server.security.caller import MAX_NAME_CHARACTERS, Caller, CredentialError

MAX_TOKEN_CHARACTERS = 16_384
NO_GOOD = "The token is none that this server takes; get a new one from where you sign in."
EXPIRED = "The token has expired; get a new one from where you sign in."


class Keys(Protocol):
    """What tokens are verified with."""

    async def key_for(self, key_id: str | None) -> tuple[Any, str]:
        """(key, the one algorithm that it is for). Raises CredentialError, KeysUnreachableError."""
        ...


class OneSecret:
    """A secret that the server and the identity provider share: HS256."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "OneSecret(…)"

    async def key_for(self, key_id: str | None) -> tuple[Any, str]:
        return self._secret, "HS256"


class People:
    """Takes a token only with a signature by a known key, this issuer, this audience, and an expiry."""

    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        audience: str,
        leeway_seconds: float,
        id_claim: str = "sub",
        name_claim: str = "name",
        operator_claim: str | None = None,
        operator_value: str | None = None,
    ) -> None:
        """Whose claim `operator_claim` is `operator_value`, or a list with it, sees everybody's jobs."""
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway_seconds
        self._id_claim = id_claim
        self._name_claim = name_claim
        self._operator_claim = operator_claim
        self._operator_value = operator_value

    async def caller(self, token: str) -> Caller:
        """Raises CredentialError, KeysUnreachableError."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise CredentialError(NO_GOOD)
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise CredentialError(NO_GOOD) from None
        key_id = header.get("kid")
        if "crit" in header or not (key_id is None or isinstance(key_id, str)):
            raise CredentialError(NO_GOOD)
        # The algorithm is the key's. What the token says could be `none`, or HS256 with a public key.
        key, algorithm = await self._keys.key_for(key_id)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
            expires_at = float(claims["exp"]) + self._leeway
        except jwt.ExpiredSignatureError:
            raise CredentialError(EXPIRED) from None
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
            raise CredentialError(NO_GOOD) from None
        return Caller(
            "person",
            id=self._id(claims),
            name=self._name(claims),
            operator=self._is_operator(claims),
            expires_at=expires_at,
        )

    def _id(self, claims: dict[str, Any]) -> str:
        id_ = claims.get(self._id_claim)
        if not _is_name(id_):
            raise CredentialError(f"The token names nobody: its claim {self._id_claim} holds no usable id.")
        return str(id_)

    def _name(self, claims: dict[str, Any]) -> str | None:
        found = (claims.get(claim) for claim in (self._name_claim, "email"))
        return next((str(name) for name in found if _is_name(name)), None)

    def _is_operator(self, claims: dict[str, Any]) -> bool:
        if self._operator_claim is None or self._operator_value is None:
            return False
        given = claims.get(self._operator_claim)
        return self._operator_value in given if isinstance(given, list) else given == self._operator_value


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_NAME_CHARACTERS
        and value == value.strip()
        and not has_control_characters(value)
    )
