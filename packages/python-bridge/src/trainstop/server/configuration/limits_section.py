"""`[limits]`: how much one caller may ask for. A dashboard, or a stop, never meets them."""

from __future__ import annotations

from pydantic import Field

from trainstop.server.configuration.section import Section


class LimitsSection(Section):
    reads_per_second: float = Field(
        default=500,
        gt=0,
        le=1e6,
        description="Of one owner. Of each limit, ten seconds' worth may come at once.",
    )
    starts_per_second: float = Field(default=50, gt=0, le=1e6, description="Of one owner: new jobs.")
    controls_per_second: float = Field(
        default=100,
        gt=0,
        le=1e6,
        description="Of one owner: cancel, pause, resume. Counted apart, so that nothing else uses them up.",
    )
    reports_per_second: float = Field(default=20, gt=0, le=1e6, description="Of one run about itself.")
    refusals_per_second: float = Field(
        default=10,
        gt=0,
        le=1e6,
        description="Wrong tokens from one address. The right one is taken also beyond that.",
    )
    streams: int = Field(default=5000, ge=1, description="Event streams at once, in all.")
    streams_per_owner: int = Field(default=500, ge=1, description="Event streams at once of one owner.")
    connections: int = Field(
        default=0,
        ge=0,
        description="Connections at once. 0: as many as the limit on open files allows, less 256.",
    )
    header_seconds: float = Field(
        default=10, gt=0, le=600, description="How long the head of a request may take to arrive."
    )
    body_seconds: float = Field(
        default=20, gt=0, le=600, description="How long the body of a request may take to arrive."
    )
    write_seconds: float = Field(
        default=60, gt=0, le=3600, description="How long a caller may take nothing of what is sent to it."
    )
