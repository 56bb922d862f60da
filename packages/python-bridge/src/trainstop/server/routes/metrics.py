from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.thinning import thinned
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
