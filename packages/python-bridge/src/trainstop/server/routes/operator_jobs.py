"""`POST /operator/jobs`: any command as a job. Served at the operator's socket alone."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from trainstop.server.control_characters import has_control_characters
from trainstop.server.jobs.start_command import CommandRequest
from trainstop.server.routes.answer import RequestError, answer
from trainstop.server.routes.asker import asked_by
from trainstop.server.routes.body import parse, read_body
from trainstop.server.routes.context import context_of

MAX_BODY_BYTES = 4 * 1024 * 1024
"""An environment can be large; execve itself takes about 2 MiB."""


async def start_command(request: Request) -> Response:
    asked = asked_by(request)
    wish = parse(CommandRequest, await read_body(request, limit=MAX_BODY_BYTES, control_characters=True))
    context = context_of(request)
    await context.call(_check, wish)
    return answer({"job": await context.call(context.jobs.start_command, wish, asked)}, status=201)


def _check(wish: CommandRequest) -> None:
    """Raises RequestError."""
    if has_control_characters(wish.name):
        raise _wrong("name", "must be one line without control characters")
    if not wish.argv[0] or any("\0" in word for word in wish.argv):
        raise _wrong("argv", "must be a list of words without null characters, the program first")
    if any(not name or "=" in name or "\0" in name + value for name, value in wish.env.items()):
        raise _wrong("env", "must hold names without = and texts without null characters")
    if "\0" in wish.cwd or not Path(wish.cwd).is_absolute() or not Path(wish.cwd).is_dir():
        raise _wrong("cwd", "must be the absolute path of a directory that the server can see")


def _wrong(field: str, what: str) -> RequestError:
    return RequestError(422, "invalid_request", f"{field} {what}.", field=field)
