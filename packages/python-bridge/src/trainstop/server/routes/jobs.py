"""Jobs: start one, list them, read one and what belongs to it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from trainstop.protocol.control import StartRequest
from trainstop.server.control_characters import has_control_characters
from trainstop.server.jobs.states import STATUSES
from trainstop.server.routes.answer import RequestError, answer
from trainstop.server.routes.asker import asked_by, command_id_of, job_id_of, owner_of, owner_of_new_job
from trainstop.server.routes.body import parse, read_body
from trainstop.server.routes.context import context_of
from trainstop.server.routes.query import number_in

PAGE = 50
LARGEST_PAGE = 200


async def start(request: Request) -> Response:
    """`POST /jobs`"""
    asked = replace(asked_by(request), owner=owner_of_new_job(request))
    wish = parse(StartRequest, await read_body(request))
    if wish.name is not None and has_control_characters(wish.name):
        raise RequestError(
            422, "invalid_request", "name must be one line without control characters.", field="name"
        )
    context = context_of(request)
    return answer({"job": await context.call(context.jobs.start, wish, asked)}, status=201)


async def newest(request: Request) -> Response:
    """`GET /jobs?status=&cursor=&limit=`"""
    context = context_of(request)
    call = partial(
        context.jobs.newest, owner_of(request), _statuses(request), _cursor(request), _limit(request)
    )
    jobs, before = await context.call(call)
    return answer({"jobs": jobs, "next_cursor": None if before is None else f"before-{before}"})


async def one(request: Request) -> Response:
    """`GET /jobs/{job_id}`; the ETag rises with status and command only."""
    context = context_of(request)
    job = await context.call(context.jobs.job, job_id_of(request), owner_of(request))
    etag = f'"{job["status_version"]}"'
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    response = Response(status_code=304) if etag in known else answer({"job": job})
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "no-cache, private"
    return response


async def commands(request: Request) -> Response:
    context = context_of(request)
    found = await context.call(context.jobs.commands, job_id_of(request), owner_of(request))
    return answer({"commands": found})


async def command(request: Request) -> Response:
    context = context_of(request)
    ids = job_id_of(request), command_id_of(request)
    return answer({"command": await context.call(context.jobs.command, *ids, owner_of(request))})


async def checkpoints(request: Request) -> Response:
    context = context_of(request)
    found = await context.call(context.jobs.checkpoints, job_id_of(request), owner_of(request))
    return answer({"checkpoints": found})


def _statuses(request: Request) -> list[str]:
    statuses = [each for text in request.query_params.getlist("status") for each in text.split(",") if each]
    for status in statuses:
        if status not in STATUSES:
            known = ", ".join(STATUSES)
            raise RequestError(422, "invalid_request", f"status must be of {known}.", field="status")
    return statuses


def _cursor(request: Request) -> str | None:
    text = request.query_params.get("cursor")
    if text is None:
        return None
    match = re.fullmatch(r"before-([A-Za-z0-9_-]{1,64})", text)
    if match is None:
        raise RequestError(
            422,
            "invalid_request",
            "cursor is none of this server's (any more); leave it out to begin anew.",
            field="cursor",
        )
    return match[1]


def _limit(request: Request) -> int:
    return number_in(request, "limit", PAGE, minimum=1, maximum=LARGEST_PAGE) or PAGE
