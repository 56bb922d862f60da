"""`[retention]`"""

from __future__ import annotations

from pydantic import Field

from trainstop.server.configuration.section import Section
from trainstop.server.jobs.supervision_view import LOG_LIMIT_BYTES


class RetentionSection(Section):
    log_bytes_per_attempt: int = Field(
        default=LOG_LIMIT_BYTES,
        ge=0,
        description="The newest bytes of each attempt's output that are kept on disk. 0: all of them.",
    )
