"""What each fact does to a job. The types and their fields are those of docs/architecture.md."""

from __future__ import annotations

import logging

from trainstop.server.jobs.change import Change
from trainstop.server.jobs.rank_facts import RANK_FACTS
from trainstop.server.jobs.shim_facts import SHIM_FACTS
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.jobs.supervisor_facts import SUPERVISOR_FACTS

logger = logging.getLogger("trainstop.jobs")

_HANDLERS = SUPERVISOR_FACTS | SHIM_FACTS | RANK_FACTS


def apply(change: Change, fact: Fact) -> None:
    """Take in one fact. One of an unknown type, or one that makes no sense, is passed over with a warning:
    a script can write anything into its journal, and must not stop the record of its own end."""
    handler = _HANDLERS.get(fact["type"])
    if handler is None:
        logger.warning("job %s: passed over a fact of unknown type %.40r", change.job.id, fact["type"])
        return
    try:
        handler(change, fact)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        logger.warning("job %s: passed over a broken fact %.200r: %r", change.job.id, fact, error)
