"""`[cors]`: pages of other origins that may call the server themselves."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, model_validator

from trainstop.server.configuration.section import Section

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


class CorsSection(Section):
    origins: tuple[str, ...] = Field(
        default=(),
        description='Origins as browsers send them, "https://app.example.com". None: only pages of the '
        "server's own origin, and hosts' handlers.",
    )

    @model_validator(mode="after")
    def _are_origins(self) -> Self:
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"has an origin {origin!r:.80} that no browser sends; write scheme, host in lower case "
                    'and, if it is not the usual one, port: "https://app.example.com"'
                )
        return self
