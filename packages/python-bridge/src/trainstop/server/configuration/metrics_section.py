"""`[metrics]`"""

from __future__ import annotations

from pydantic import Field

from trainstop.server.configuration.section import Section


class MetricsSection(Section):
    """Prometheus' `GET /metrics`, at the same port."""

    token_file: str | None = Field(
        default=None,
        min_length=1,
        description="File with a token that opens `/metrics` and nothing else; relative to this file, made "
        "if it is not there. Not set: the server's own token does.",
    )
