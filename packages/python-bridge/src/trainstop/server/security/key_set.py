"""The public keys of an identity provider (JWKS), fetched from its URL and kept for a while."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import jwt

from trainstop.server.security.caller import CredentialError, KeysUnreachableError

FRESH_SECONDS = 300.0
"""After so long the keys are fetched again, while the old ones still serve."""
TRUSTED_SECONDS = 3600.0
"""A key that was withdrawn is trusted at most so long, also while its provider can't be reached."""
FETCH_SECONDS = 5.0
MAX_BYTES = 1 << 20
MINIMUM_RSA_BITS = 2048
_ALGORITHMS = {"RSA ": "RS256", "EC P-256": "ES256", "OKP Ed25519": "EdDSA"}
"""By type and curve."""
UNKNOWN_KEY = "The token was signed with a key that is not known here; get a new one from where you sign in."
UNREACHABLE = (
    "Nobody can be signed in now: the provider of the keys for people's tokens can't be reached. "
    "Try again soon."
)

logger = logging.getLogger("trainstop.security")


class KeySet:
    """Algorithms: RS256, ES256 and EdDSA, each key for its own alone. Other keys are passed over."""

    def __init__(self, url: str, refresh_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`refresh_seconds`: at least so long between two fetches, however many unknown key ids come."""
        self._url = url
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._keys: dict[str | None, tuple[Any, str]] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def key_for(self, key_id: str | None) -> tuple[Any, str]:
        """Raises CredentialError, KeysUnreachableError. Waits for the provider only if it must."""
        age = self._age()
        if age < TRUSTED_SECONDS and (key := self._known(key_id)) is not None:
            if age >= FRESH_SECONDS and (self._refreshing is None or self._refreshing.done()):
                self._refreshing = asyncio.create_task(self._refresh())
            return key
        await self._refresh()
        if self._age() >= TRUSTED_SECONDS:
            raise KeysUnreachableError(UNREACHABLE)
        key = self._known(key_id)
        if key is None:
            raise CredentialError(UNKNOWN_KEY)
        return key

    def _known(self, key_id: str | None) -> tuple[Any, str] | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    async def _refresh(self) -> None:
        asked_at = self._clock()
        async with self._lock:
            if self._tried_at is not None and (
                self._tried_at >= asked_at or self._clock() - self._tried_at < self._refresh_seconds
            ):
                return
            try:
                self._keys = await asyncio.wait_for(asyncio.to_thread(_fetch, self._url), FETCH_SECONDS * 2)
                self._fetched_at = self._clock()
            except (OSError, ValueError, RecursionError) as error:
                logger.warning("the keys for people's tokens can't be had from %s: %s", self._url, error)
            finally:
                self._tried_at = self._clock()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The operator named one place, and trusts no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _fetch(url: str) -> dict[str | None, tuple[Any, str]]:
    """Blocks. Raises OSError, ValueError."""
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    ends = time.monotonic() + FETCH_SECONDS
    data = bytearray()
    try:
        answer = urllib.request.build_opener(_NoRedirect).open(request, timeout=FETCH_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"it answered {error.code}") from None
    with answer:
        while piece := answer.read1(65536):
            data += piece
            if len(data) > MAX_BYTES or time.monotonic() > ends:
                raise ValueError("the answer is too large or too slow")
    keys = usable_keys(json.loads(data))
    if not keys:
        raise ValueError("the answer holds no key for RS256, ES256 or EdDSA")
    return keys


def usable_keys(document: Any) -> dict[str | None, tuple[Any, str]]:
    """Key id → (key, algorithm). Raises ValueError where there is no key set."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the answer is no key set")
    keys: dict[str | None, tuple[Any, str]] = {}
    for one in listed:
        algorithm = _algorithm(one) if isinstance(one, dict) else None
        if algorithm is None:
            continue
        try:
            key = jwt.PyJWK(one, algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if algorithm == "RS256" and key.key_size < MINIMUM_RSA_BITS:
            continue
        kid = one.get("kid")
        keys[kid if isinstance(kid, str) else None] = key, algorithm
    return keys


def _algorithm(key: dict[str, Any]) -> str | None:
    """The one algorithm that a key is for; None where it is for another purpose, or is no public key."""
    algorithm = _ALGORITHMS.get(f"{key.get('kty')} {key.get('crv', '')}")
    meant = key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    return algorithm if meant and "d" not in key else None
