"""People's tokens as the configuration has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainstop.server.configuration.people_section import PeopleSection
from trainstop.server.security.token import TokenError

if TYPE_CHECKING:
    from trainstop.server.security.people import Keys, People

MINIMUM_SECRET_BYTES = 32
"""RFC 7518 3.2: as long as the hash; a shorter one can be guessed from any token."""


def read_jwt_secret(section: PeopleSection, directory: Path) -> bytes | None:
    """The secret, its file named relative to `directory`; None: none is configured. Raises TokenError."""
    if section.jwt_secret_file is None:
        return None
    path = directory / Path(section.jwt_secret_file).expanduser()
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise TokenError(
            f"The file {path} (people.jwt_secret_file) can't be read: {error.strerror}."
        ) from None
    if len(secret) < MINIMUM_SECRET_BYTES:
        raise TokenError(
            f"The file {path} (people.jwt_secret_file) must hold {MINIMUM_SECRET_BYTES} bytes or more; "
            "make them with: openssl rand -base64 48"
        )
    return secret


def people_of(section: PeopleSection, secret: bytes | None) -> People | None:
    """None: nobody has a token of their own."""
    if not section.configured:
        return None  # cryptography is megabytes, and most servers need none of it
    from trainstop.server.security.people import OneSecret, People

    keys: Keys
    if secret is not None:
        keys = OneSecret(secret)
    elif section.jwks_url is not None:
        from trainstop.server.security.key_set import KeySet

        keys = KeySet(section.jwks_url, section.refresh_seconds)
    else:
        return None
    assert section.issuer is not None and section.audience is not None
    return People(
        keys,
        issuer=section.issuer,
        audience=section.audience,
        leeway_seconds=section.leeway_seconds,
        id_claim=section.id_claim,
        name_claim=section.name_claim,
        operator_claim=section.operator_claim,
        operator_value=section.operator_value,
    )
