"""What each fact does to a job. The types and their fields are those of docs/architecture.md."""

from __future__ import annotations

import logging

from trainstop.server.jobs.change import Change
from trainstop.server.jobs.rank_facts import RANK_FACTS
from trainstop.server.jobs.shim_facts import SHIM_FACTS
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.jobs.supervisor_facts import SUPERVISOR_FACTS

logger = logging.getLogger("trainstop.jobs")

_HANDLERS = {"supervisor": SHIM_FACTS, "shim": SHIM_FACTS}
"""By source. Without a shim the server does what the shim would. Everybody else is a rank."""
_TOLD_BY_ITSELF = SUPERVISOR_FACTS | SHIM_FACTS
"""By the supervisor, from no journal: in its journal, which lies in the run directory, stands no more than
what a shim could do."""


def apply(change: Change, fact: Fact) -> None:
    """Take in one fact. One that its source can't know, one of an unknown type, or one that makes no sense is
    passed over with a warning: a script can write anything into its journal, and must neither stop the
    record of its own end nor write that itself."""
    by_itself = fact["source"] == "supervisor" and "offset" not in fact
    handlers = _TOLD_BY_ITSELF if by_itself else _HANDLERS.get(fact["source"], RANK_FACTS)
    handler = handlers.get(fact["type"])
    if handler is None:
        logger.warning(
            "job %s: passed over a fact of %s that it does not tell: %.40r",
            *(change.job.id, fact["source"], fact["type"]),
        )
        return
    try:
        handler(change, fact)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        logger.warning("job %s: passed over a broken fact %.200r: %r", change.job.id, fact, error)
