from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trainstop.server.jobs.jobs import Jobs
from trainstop.server.routes.answer import answer, to_json
from trainstop.server.routes.asker import job_id_of, owner_of
from trainstop.server.routes.context import context_of
from trainstop.server.routes.query import number_in


async def metrics(request: Request) -> Response:
    """`GET /jobs/{job_id}/metrics?max_points=`"""
    context = context_of(request)
    max_points = number_in(request, "max_points", None, minimum=2, maximum=1_000_000)
    return answer(
        await context.call(_as_json, context.jobs, job_id_of(request), owner_of(request), max_points)
    )


def _as_json(jobs: Jobs, job_id: str, owner: str | None, max_points: int | None) -> bytes:
    """Large: encoded where it blocks nobody."""
    seq, columns = jobs.metrics(job_id, owner)
    if max_points is not None:
        columns = thinned(columns, max_points)
    return to_json({"success": True, "generation": jobs.generation, "seq": seq, "columns": columns})


def thinned(columns: dict[str, Any], max_points: int) -> dict[str, Any]:
    """At most so many rows, evenly spread, the first and the last among them."""
    rows = len(columns["step"])
    if rows <= max_points:
        return columns
    kept = [index * (rows - 1) // (max_points - 1) for index in range(max_points)]
    values = {name: [column[row] for row in kept] for name, column in columns["values"].items()}
    return {
        name: values if name == "values" else [column[row] for row in kept]
        for name, column in columns.items()
    }
