"""Answers as JSON: what succeeded, and what was refused, in the shapes that existing hosts speak."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response
from starlette.types import Scope

from trainstop.protocol.error import SERVER_ERROR_STATUS
from trainstop.server.jobs.refusal import Refusal

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class RequestError(Exception):
    """A request that can't be served, with its own HTTP status."""

    def __init__(self, status: int, code: str, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.field = field


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def answer(value: dict[str, Any] | bytes, *, status: int = 200) -> Response:
    """A success. `value`: its fields beside `success`, or the whole as JSON already."""
    body = value if isinstance(value, bytes) else to_json({"success": True, **value})
    return Response(body, status, _HEADERS, "application/json")


def refuse(scope: Scope, status: int, code: str, sentence: str, **more: str | None) -> Response:
    """An error. `more`: `status` (of the job) and `field`, left out where they are None."""
    error = {"success": False, "error": sentence, "code": code}
    request_id = scope.get("state", {}).get("request_id")
    error |= {name: value for name, value in {"request_id": request_id, **more}.items() if value}
    return Response(to_json(error), status, _HEADERS, "application/json")


def refuse_error(scope: Scope, error: RequestError) -> Response:
    return refuse(scope, error.status, error.code, str(error), field=error.field)


def refuse_refusal(scope: Scope, refusal: Refusal) -> Response:
    """What the rules refuse could be read, so `invalid_request` is 422 here."""
    code = refusal.code
    status = 422 if code == "invalid_request" else SERVER_ERROR_STATUS[code]
    error = {"success": False, "error": str(refusal), "code": code}
    extra = {
        "request_id": scope.get("state", {}).get("request_id"),
        "status": refusal.job_status,
        "field": refusal.field,
    }
    error |= {name: value for name, value in extra.items() if value}
    return Response(to_json(error), status, _HEADERS, "application/json")
