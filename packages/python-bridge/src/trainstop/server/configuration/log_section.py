"""`[log]`"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trainstop.server.configuration.section import Section


class LogSection(Section):
    format: Literal["text", "json"] = Field(
        default="text",
        description="How a line on standard error looks: for people, or one JSON object each.",
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least serious lines that are told. Requests are `info`."
    )
