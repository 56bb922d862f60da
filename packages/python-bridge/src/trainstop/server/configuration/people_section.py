"""`[people]`: whose tokens are taken beside the server's own."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from trainstop.server.configuration.section import Section
from trainstop.server.security.hosts import is_loopback


class PeopleSection(Section):
    jwt_secret_file: str | None = Field(
        default=None,
        min_length=1,
        description="File with the secret that people's tokens are signed with (HS256), 32 bytes or more; "
        "relative to this file.",
    )
    jwks_url: str | None = Field(
        default=None,
        min_length=1,
        description="Where the keys of people's tokens are (RS256, ES256, EdDSA): https, or this machine.",
    )
    issuer: str | None = Field(
        default=None, min_length=1, description="`iss` of people's tokens. Needed with either of the above."
    )
    audience: str | None = Field(
        default=None, min_length=1, description="`aud` of people's tokens. Needed with either of the above."
    )
    leeway_seconds: float = Field(
        default=30, ge=0, le=300, description="How far the clocks of server and issuer may differ."
    )
    id_claim: str = Field(default="sub", min_length=1, description="The claim that says who it is.")
    name_claim: str = Field(
        default="name",
        min_length=1,
        description="The claim with a name to show; `email` where there is none.",
    )
    operator_claim: str | None = Field(
        default=None, min_length=1, description="The claim that makes a person see everybody's jobs."
    )
    operator_value: str | None = Field(
        default=None, min_length=1, description="What that claim must be, or hold in a list."
    )
    refresh_seconds: float = Field(
        default=30, ge=1, le=3600, description="The least time between two fetches of `jwks_url`."
    )

    @property
    def configured(self) -> bool:
        return self.jwt_secret_file is not None or self.jwks_url is not None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.jwt_secret_file is not None and self.jwks_url is not None:
            raise ValueError("has jwt_secret_file and jwks_url; keep one of them")
        if self.configured and (self.issuer is None or self.audience is None):
            raise ValueError("needs issuer and audience: tokens for other services must not be taken here")
        if not self.configured and (self.issuer or self.audience or self.operator_claim):
            raise ValueError("needs jwt_secret_file or jwks_url, to tell good tokens from others")
        if (self.operator_claim is None) != (self.operator_value is None):
            raise ValueError("needs operator_claim and operator_value together, or neither")
        if self.jwks_url is not None and not _is_safe(self.jwks_url):
            raise ValueError("has a jwks_url that is neither https nor http on this machine; use https")
        return self


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    return (parts.scheme == "https" and host != "") or (parts.scheme == "http" and is_loopback(host))
