"""Idempotency keys: the same intent, sent again, finds what it did before."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import Connection, insert, select

from trainstop.server.jobs.refusal import Refusal
from trainstop.server.store import tables


def request_text(action: str, request: BaseModel) -> str:
    """What makes two requests the same: what was asked for, however it was spelt."""
    body = request.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"action"})
    return json.dumps({"asked_for": action, **body}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Intent:
    """One request by its key. Keys of different scopes have nothing to do with each other."""

    scope: str
    key: str | None
    """None: the asker gave none, and nothing is found or remembered."""
    request: str


def earlier(connection: Connection, intent: Intent) -> tuple[str, str | None] | None:
    """(job id, command id or None) of the request with this key; None when there was none.

    Raises Refusal when the key came with another request.
    """
    if intent.key is None:
        return None
    table = tables.idempotency_keys
    query = select(table).where(table.c.scope == intent.scope, table.c.key == intent.key)
    row = connection.execute(query).first()
    if row is None:
        return None
    if row.request != intent.request:
        raise Refusal(
            "invalid_request",
            "This Idempotency-Key was used for another request; use a new key for each new intent.",
            field="Idempotency-Key",
        )
    return row.job_id, row.command_id


def remember(connection: Connection, intent: Intent, job_id: str, command_id: str | None, at: str) -> None:
    if intent.key is None:
        return
    connection.execute(
        insert(tables.idempotency_keys).values(
            scope=intent.scope,
            key=intent.key,
            request=intent.request,
            job_id=job_id,
            command_id=command_id,
            created_at=at,
        )
    )
