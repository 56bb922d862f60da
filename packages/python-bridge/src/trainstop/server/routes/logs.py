"""The output of a run, by byte offset."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.layout import KEPT_NAME, RunDir
from trainstop.server.routes.answer import answer
from trainstop.server.routes.asker import job_id_of, owner_of
from trainstop.server.routes.context import Context, context_of
from trainstop.server.routes.query import number_in

PIECE_BYTES = 64 * 1024
LARGEST_PIECE_BYTES = 1024 * 1024
FARTHEST_BACK_BYTES = 2**53 - 1
SMALLEST_PIECE_BYTES = 4
"""The longest character; a smaller piece might never get on."""


async def logs(request: Request) -> Response:
    """`GET /jobs/{job_id}/logs?attempt=&offset=&limit=`: bytes, cut at a character's border.

    A negative offset counts from the end, as far as there is something.
    """
    context = context_of(request)
    attempt = number_in(request, "attempt", None, minimum=1)
    offset = number_in(request, "offset", 0, minimum=-FARTHEST_BACK_BYTES) or 0
    limit = (
        number_in(request, "limit", PIECE_BYTES, minimum=SMALLEST_PIECE_BYTES, maximum=LARGEST_PIECE_BYTES)
        or PIECE_BYTES
    )
    job_id, owner = job_id_of(request), owner_of(request)

    def read() -> dict[str, Any]:
        return _page(context, job_id, owner, attempt, offset, limit)

    return answer(await context.call(read))


def _page(context: Context, job_id: str, owner: str | None, *where: Any) -> dict[str, Any]:
    wanted, offset, limit = where
    attempt, over = context.jobs.attempt(job_id, owner, wanted)
    path = RunDir.of(context.data_dir, job_id, attempt).output
    text, offset, next_offset, size = read_piece(path, offset, limit, complete=over)
    return {"attempt": attempt, "offset": offset, "next_offset": next_offset, "size": size, "text": text}


def read_piece(path: Path, offset: int, limit: int, *, complete: bool) -> tuple[str, int, int, int]:
    """(text, offset, next offset, size) of at most `limit` bytes of an attempt's output.

    A character whose rest is not there yet waits for it, unless the file is `complete`. Bytes that are
    no UTF-8 become U+FFFD. An offset beyond the end is the end; a negative one counts from the end, and
    goes on to where a character begins. What was freed to keep the output small is passed over: then the
    offset that is returned is that of the first line that is still there.
    """
    try:
        # The directory is the script's too: a FIFO there must hang nobody, and no link lead to another file.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return "", 0, 0, 0
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            return "", 0, 0, 0
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return "", 0, 0, 0
        size = status.st_size
        inside = offset < 0
        offset = max(0, size + offset) if inside else min(offset, size)
        while True:
            data = os.pread(descriptor, min(limit, size - offset), offset)
            # In this order: what is freed is noted before it is, so a hole can't be taken for text.
            kept_from = min(_kept_from(path), size)
            if offset >= kept_from:
                break
            inside, offset = True, kept_from
    finally:
        os.close(descriptor)
    if inside and offset > 0:
        cut = _continued(data)
        data, offset = data[cut:], offset + cut
    at_end = offset + len(data) >= size
    if not (complete and at_end):
        data = data[: len(data) - _unfinished(data)]
    return data.decode("utf-8", "replace"), offset, offset + len(data), size


def _kept_from(output: Path) -> int:
    """The first byte that was not freed; see `shim/log_limit.py`."""
    try:
        noted = read_json(output.with_name(KEPT_NAME))
    except (OSError, ValueError):  # a script can write anything here
        return 0
    first = noted.get("from") if isinstance(noted, dict) else None
    return first if isinstance(first, int) and first > 0 else 0


def _continued(data: bytes) -> int:
    """How many bytes at the start belong to a character that began before."""
    return next(
        (n for n, byte in enumerate(data[:3]) if byte & 0b1100_0000 != 0b1000_0000), min(3, len(data))
    )


def _unfinished(data: bytes) -> int:
    """How many bytes at the end begin a character that isn't whole."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0b1100_0000 == 0b1000_0000:
            continue  # inside a character
        length = (
            2 if 0xC2 <= byte <= 0xDF else 3 if 0xE0 <= byte <= 0xEF else 4 if 0xF0 <= byte <= 0xF4 else 1
        )
        return back if length > back else 0
    return 0
