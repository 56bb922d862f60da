"""Who asks: a person by their own token, or whom a host's handler names in headers."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError
from starlette.requests import Request

from trainstop.protocol.command import Actor
from trainstop.protocol.primitives import ID_PATTERN
from trainstop.rundir.clock import now, rfc3339
from trainstop.server.control_characters import has_control_characters
from trainstop.server.jobs.asked import Asked
from trainstop.server.jobs.refusal import Refusal, no_such_job
from trainstop.server.observability import log_context
from trainstop.server.routes.answer import RequestError
from trainstop.server.security.caller import MAX_NAME_CHARACTERS, caller_of

MAX_HEADER_CHARACTERS = MAX_NAME_CHARACTERS
_ID = re.compile(ID_PATTERN.removesuffix("$") + r"\Z")
_ETAG = re.compile(r'(?:W/)?"([0-9]{1,15})"')
MAX_ETAGS = 16
_KEY = re.compile(r"[!-~]{1,200}")


def owner_of(request: Request) -> str | None:
    """Whose jobs exist for this request; None means everybody's. Raises RequestError."""
    caller = caller_of(request.scope)
    return _decoded(request, "Trainstop-Owner") if caller.kind == "service" else caller.sees_only


def owner_of_new_job(request: Request) -> str | None:
    """Whose a job started by this request is: also an operator's are their own. Raises RequestError."""
    caller = caller_of(request.scope)
    return owner_of(request) if caller.kind == "service" else caller.id


def asked_by(request: Request) -> Asked:
    """Raises RequestError for headers that can't be understood."""
    return Asked(
        actor=_actor(request),
        owner=owner_of(request),
        idempotency_key=_idempotency_key(request),
        at=request.scope["state"].get("arrived_at") or rfc3339(now()),
    )


def job_id_of(request: Request) -> str:
    """The path's job id. One that no job can have is no job."""
    id_ = str(request.path_params["job_id"])
    if not _ID.match(id_):
        raise no_such_job()
    log_context.job_id.set(id_)
    return id_


def command_id_of(request: Request) -> str:
    id_ = str(request.path_params["command_id"])
    if not _ID.match(id_):
        raise Refusal("not_found", "The job has no such command.")
    return id_


def _actor(request: Request) -> dict[str, str | None]:
    caller = caller_of(request.scope)
    text = _decoded(request, "Trainstop-Actor") if caller.kind == "service" else None
    if text is None:
        return caller.actor
    try:
        actor = Actor.model_validate(json.loads(text))
    except (ValueError, ValidationError, RecursionError):
        raise _wrong("Trainstop-Actor", "must be the URI-encoded JSON of {type, id, name}") from None
    if any(has_control_characters(part or "") for part in (actor.type, actor.id, actor.name)):
        raise _wrong("Trainstop-Actor", "must not contain control characters")
    return {"type": actor.type, "id": actor.id, "name": actor.name}


def _idempotency_key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise _wrong("Idempotency-Key", "must be one text of 1 to 200 printable characters without spaces")
    return keys[0]


def status_versions_of(request: Request) -> frozenset[int] | None:
    """Those of `If-Match`; None without one, or for `*`. Raises RequestError.

    A proxy that compresses may have made an ETag weak.
    """
    texts = request.headers.getlist("if-match")
    etags = [etag.strip() for etag in ",".join(texts).split(",")]
    if not texts or etags == ["*"]:
        return None
    versions = [_ETAG.fullmatch(etag) for etag in etags]
    if len(etags) > MAX_ETAGS or not all(versions):
        raise _wrong("If-Match", f"must be * or up to {MAX_ETAGS} ETags as this server gives them")
    return frozenset(int(version[1]) for version in versions if version is not None)


def _decoded(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    if not values:
        return None
    try:
        text = unquote_to_bytes(values[0]).decode()
    except UnicodeDecodeError:
        raise _wrong(name, "must be URI-encoded UTF-8") from None
    if len(values) > 1 or not text or len(text) > MAX_HEADER_CHARACTERS:
        raise _wrong(name, f"must be sent once, with 1 to {MAX_HEADER_CHARACTERS} characters")
    if has_control_characters(text):
        raise _wrong(name, "must not contain control characters")
    return text


def _wrong(name: str, what: str) -> RequestError:
    return RequestError(400, "invalid_request", f"The header {name} {what}.", field=name)
