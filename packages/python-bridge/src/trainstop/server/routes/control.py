"""Cancel, pause, resume: the calls whose shapes existing hosts speak."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from trainstop.protocol.control import (
    CancelOptions,
    CancelRequest,
    ControlRequest,
    PauseOptions,
    PauseRequest,
    ResumeOptions,
)
from trainstop.server.jobs.asked import Asked, Options
from trainstop.server.routes.answer import answer
from trainstop.server.routes.asker import asked_by, job_id_of, status_versions_of
from trainstop.server.routes.body import parse, read_body
from trainstop.server.routes.context import Context, context_of

Action = Literal["cancel", "pause", "resume"]
_OPTIONS: dict[Action, type[Options]] = {
    "cancel": CancelOptions,
    "pause": PauseOptions,
    "resume": ResumeOptions,
}
MAX_WAIT_SECONDS = 60
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=$|[,;])", re.IGNORECASE)


async def control(request: Request) -> Response:
    """`POST /local/{job_id}/control`: the action is in the body."""
    job_id, asked = job_id_of(request), asked_by(request)
    wish = parse(ControlRequest, await read_body(request)).root
    if isinstance(wish, CancelRequest):
        return await _carry_out(request, job_id, "cancel", wish, asked)
    if isinstance(wish, PauseRequest):
        return await _carry_out(request, job_id, "pause", wish, asked)
    return await _carry_out(request, job_id, "resume", wish, asked)


def control_by_path(action: Action) -> Callable[[Request], Awaitable[Response]]:
    """`POST /cancel/{job_id}` and its like: the body, if any, holds the options."""

    async def endpoint(request: Request) -> Response:
        job_id, asked = job_id_of(request), asked_by(request)
        options = parse(_OPTIONS[action], await read_body(request))
        return await _carry_out(request, job_id, action, options, asked)

    return endpoint


async def _carry_out(
    request: Request, job_id: str, action: Action, options: Options, asked: Asked
) -> Response:
    context = context_of(request)
    if action != "cancel":  # a stop is not to fail for a header that it has no use for
        asked = replace(asked, status_versions=status_versions_of(request))
    calls: dict[Action, Callable[..., dict[str, Any]]] = {
        "cancel": context.jobs.cancel,
        "pause": context.jobs.pause,
        "resume": context.jobs.resume,
    }
    call = partial(calls[action], job_id, options, asked)
    # A resume reads a checkpoint first; the store's few threads are not to wait for that.
    result = await (context.call_long(call) if action == "resume" else context.call(call))
    seconds = _seconds_to_wait(request)
    if seconds and result["command"] is not None:
        result = await _settled(context, result, asked.owner, seconds)
    response = answer({"action": action, "job_id": job_id, "result": result})
    if seconds is not None:
        response.headers["Preference-Applied"] = f"wait={seconds}"
    return response


async def _settled(
    context: Context, result: dict[str, Any], owner: str | None, seconds: int
) -> dict[str, Any]:
    """The result once its command has ended or the time is up."""
    command_id, about = result["command"]["id"], result["command"]["job_id"]
    try:
        async with asyncio.timeout(seconds):
            with context.broadcast.listen(about) as listener:
                while result["command"]["status"] == "active" and not context.broadcast.closing:
                    listener.news.clear()
                    command = await context.call(context.jobs.command, about, command_id, owner)
                    job = await context.call(context.jobs.job, result["job"]["id"], owner)
                    result = {**result, "command": command, "job": job}
                    if command["status"] == "active":
                        await listener.news.wait()
    except TimeoutError:
        pass
    return result


def _seconds_to_wait(request: Request) -> int | None:
    """`Prefer: wait=N`, at most a minute; None without one. Other preferences are passed over."""
    match = _WAIT.search(", ".join(request.headers.getlist("prefer")))
    return None if match is None else min(int(match[1]), MAX_WAIT_SECONDS)
