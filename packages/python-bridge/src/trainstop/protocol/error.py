from __future__ import annotations

from trainstop.protocol.primitives import No, WireModel

SERVER_ERROR_STATUS = {
    "unauthenticated": 401,
    "forbidden": 403,
    "job_not_found": 404,
    "not_found": 404,
    "invalid_request": 400,
    "not_supported": 422,
    "conflict": 409,
    "no_checkpoint": 409,
    "precondition_failed": 412,
    "rate_limited": 429,
    "server_unreachable": 502,
    "outcome_unknown": 504,
    "internal": 500,
}
"""The codes a server answers with, each with its HTTP status."""


class Error(WireModel):
    """Any error, from any route. Fields that do not apply are absent, never null."""

    success: No
    error: str
    code: str
    request_id: str = ""
    status: str = ""
    field: str = ""
