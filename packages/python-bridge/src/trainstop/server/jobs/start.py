"""Start: a new job from a template."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from trainstop.protocol.control import StartRequest
from trainstop.server.jobs.asked import Asked, new_id
from trainstop.server.jobs.change import Change, Transaction
from trainstop.server.jobs.progress import no_progress
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.store.records import AttemptRecord, JobRecord
from trainstop.server.templates.param import ParamError
from trainstop.server.templates.template import Template


def start(
    transaction: Transaction,
    request: StartRequest,
    asked: Asked,
    templates: Mapping[str, Template],
) -> Change:
    """A new job that waits for its launch. Raises Refusal for an unknown template or a wrong parameter."""
    template = templates.get(request.template)
    if template is None:
        raise Refusal(
            "invalid_request",
            f"There is no template {request.template}; the server's capabilities list those it has.",
            field="template",
        )
    try:
        params = template.values(request.params)
        argv = template.argv(params, sys.executable)
    except ParamError as error:
        raise Refusal("invalid_request", str(error), field=f"params.{error.name}") from None
    job = JobRecord(
        id=new_id("job"),
        owner=asked.owner,
        name=request.name or template.title,
        template=template.id,
        params=dict(params),
        argv=argv,
        cwd=template.cwd,
        env=dict(template.env),
        created_at=transaction.at,
        updated_at=transaction.at,
        progress=no_progress(),
        best_metric=None
        if template.best_metric is None
        else {"metric": template.best_metric, "mode": template.best_mode},
    )
    attempt = AttemptRecord(job_id=job.id, attempt=1, created_at=transaction.at)
    return Change.create(transaction, job, attempt)
