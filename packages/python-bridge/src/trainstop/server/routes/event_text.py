"""Events as the text of server-sent events."""

from __future__ import annotations

from typing import Any

from trainstop.server.routes.answer import to_json

HERE = b": here\n\n"
"""A comment, which no reader takes for an event."""


def event_text(event: dict[str, Any], *, with_id: bool = True) -> bytes:
    id_ = f"id: {event['generation']}.{event['seq']}\n" if with_id else ""
    return f"{id_}event: {event['type']}\ndata: ".encode() + to_json(event) + b"\n\n"


def event_of(
    job_id: str, position: tuple[int, int], at: str, type_: str, data: dict[str, Any]
) -> dict[str, Any]:
    """`position`: generation and seq."""
    generation, seq = position
    return {"job_id": job_id, "generation": generation, "seq": seq, "at": at, "type": type_, "data": data}
