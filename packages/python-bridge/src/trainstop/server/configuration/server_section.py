"""`[server]`"""

from __future__ import annotations

from pydantic import Field

from trainstop.server.configuration.section import Section
from trainstop.server.jobs.deadlines import MINIMUM_GRACE_SECONDS


class ServerSection(Section):
    max_running_jobs: int = Field(
        default=0, ge=0, description="How many jobs may have a process at once; the others wait. 0: no limit."
    )
    grace_seconds: float = Field(
        default=MINIMUM_GRACE_SECONDS,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="The least time that a graceful stop gets; more where a save was seen to take long.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Names under which the server may be addressed, beside its own and loopback.",
    )
