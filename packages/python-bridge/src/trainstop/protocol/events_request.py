from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainstop.protocol.primitives import Id, WireModel

MAX_JOBS = 10_000
Cursor = Annotated[str, Field(max_length=64)]


class EventsRequest(WireModel):
    """Body of `POST /events`: each job with the id of the last event that is known of it, null for none."""

    jobs: Annotated[dict[Id, Cursor | None], Field(min_length=1, max_length=MAX_JOBS)]
