"""People's tokens by the keys of an identity provider: a real one, over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trainstop.server.configuration.people_section import PeopleSection
from trainstop.server.routes.conftest import TOKEN, WAIT_SECONDS, Site, serving
from trainstop.server.security.caller import CredentialError, KeysUnreachableError
from trainstop.server.security.key_set import FRESH_SECONDS, TRUSTED_SECONDS, KeySet, usable_keys
from trainstop.server.security.people_test import AUDIENCE, ISSUER, claims, unsigned

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, tuple[str, Any]] = {
    "rsa": ("RS256", RSA),
    "ec": ("ES256", ec.generate_private_key(ec.SECP256R1())),
    "ed": ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
}
_WRITERS: dict[str, Any] = {
    "RS256": jwt.algorithms.RSAAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
}


def public(kid: str, name: str | None = None) -> dict[str, Any]:
    algorithm, key = KEYS[name or kid]
    return {**_WRITERS[algorithm].to_jwk(key.public_key(), as_dict=True), "kid": kid}


def signed(kid: str | None, name: str | None = None, **more: Any) -> str:
    algorithm, key = KEYS[name or kid or ""]
    return jwt.encode(claims(**more), key, algorithm, headers={} if kid is None else {"kid": kid})


class Provider:
    """Serves `answer`, a status and a body; counts who asks."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, b"")
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                status, body = provider.answer
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()

    def publish(self, *keys: dict[str, Any]) -> None:
        self.answer = 200, json.dumps({"keys": keys}).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_keys_are_fetched_once_and_again_for_one_that_is_not_known(provider: Provider) -> None:
    clock = Clock()
    keys = KeySet(provider.url, 30, clock)
    provider.publish(public("rsa"), public("ec"))
    for kid in ("rsa", "ec", "rsa"):
        assert (await keys.key_for(kid))[1] == KEYS[kid][0]
    assert provider.asked == 1
    for _ in range(5):
        with pytest.raises(CredentialError):
            await keys.key_for("ed")
    assert provider.asked == 1, "nobody makes us ask the provider by inventing key ids"
    provider.publish(public("ed"))  # rotated
    clock.now = 31
    assert (await keys.key_for("ed"))[1] == "EdDSA"
    with pytest.raises(CredentialError):
        await keys.key_for("rsa")


async def test_a_key_is_trusted_for_a_while_without_its_provider_and_no_longer(provider: Provider) -> None:
    clock = Clock()
    keys = KeySet(provider.url, 30, clock)
    provider.publish(public("rsa"))
    await keys.key_for("rsa")
    provider.answer = 500, b""
    clock.now = FRESH_SECONDS + 1
    await keys.key_for("rsa")
    clock.now = TRUSTED_SECONDS + 1
    with pytest.raises(KeysUnreachableError):
        await keys.key_for("rsa")
    provider.publish(public("rsa"))
    clock.now += 31
    await keys.key_for("rsa")


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"no json"),
        (200, b"[]"),
        (200, b'{"keys": 3}'),
        (200, b'{"keys": []}'),
        (200, b"[" * 100_000),
        (200, b" " * (2 << 20)),
        (302, b""),
        (404, b""),
    ],
    ids=lambda answer: f"{answer[0]} {answer[1][:10]!r}",
)
async def test_what_is_no_key_set_is_none(provider: Provider, answer: tuple[int, bytes]) -> None:
    provider.answer = answer
    with pytest.raises(KeysUnreachableError):
        await KeySet(provider.url, 30).key_for("rsa")
    assert provider.asked == 1


def test_keys_for_another_purpose_are_passed_over() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    private = _WRITERS["RS256"].to_jwk(RSA, as_dict=True)
    good = public("rsa")
    bad = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "other", "alg": "HS256"},
        {**private, "kid": "private"},
        {**_WRITERS["RS256"].to_jwk(weak.public_key(), as_dict=True), "kid": "weak"},
        {"kty": "RSA", "kid": "torn", "n": "AQAB"},
        {"kty": "EC", "crv": "P-521", "kid": "curve"},
        "text",
        None,
    ]
    assert list(usable_keys({"keys": [*bad, good]})) == ["rsa"]


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Site]:
    people = PeopleSection(jwks_url=provider.url, issuer=ISSUER, audience=AUDIENCE)
    with serving(tmp_path_factory.mktemp("data"), people=people) as (site, _):
        yield site


def status(site: Site, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{site.url}/jobs", headers=headers, timeout=WAIT_SECONDS).status_code


def test_a_key_signs_by_its_own_algorithm_and_for_itself_alone(site: Site, provider: Provider) -> None:
    provider.publish(*(public(kid) for kid in KEYS))
    for kid in KEYS:
        assert status(site, signed(kid)) == 200
        assert status(site, signed(kid, aud="other")) == 401
        assert status(site, signed(kid, exp=1)) == 401
        assert status(site, unsigned({"alg": "none", "kid": kid}, claims())) == 401
        for other in KEYS.keys() - {kid}:
            assert status(site, signed(kid, other)) == 401
    assert status(site, signed(None, "rsa")) == 401, "which of the three?"


def test_a_public_key_is_no_secret(site: Site, provider: Provider) -> None:
    """HS256 with what everybody may know."""
    provider.publish(public("rsa"))
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import hashlib
    import hmac

    for text in (pem, pem.strip(), json.dumps(public("rsa")).encode()):
        head, payload, _ = unsigned({"alg": "HS256", "kid": "rsa"}, claims()).split(".")
        seal = hmac.new(text, f"{head}.{payload}".encode(), hashlib.sha256).digest()
        assert status(site, f"{head}.{payload}." + unsigned({}, {}, seal).split(".")[2]) == 401
    assert status(site, signed("rsa")) == 200


def test_without_its_provider_people_are_told_so_and_the_servers_own_token_works(
    site: Site, provider: Provider
) -> None:
    provider.answer = 503, b""
    answer = httpx.get(
        f"{site.url}/jobs", headers={"Authorization": f"Bearer {signed('rsa')}"}, timeout=WAIT_SECONDS
    )
    assert (answer.status_code, answer.json()["code"]) == (502, "server_unreachable")
    assert "provider of the keys" in answer.json()["error"] and answer.headers["retry-after"]
    assert provider.url not in answer.text
    assert status(site, TOKEN) == 200
