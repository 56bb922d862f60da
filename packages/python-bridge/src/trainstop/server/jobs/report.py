"""What a run reports by HTTP: taken once, while its attempt is under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainstop.protocol.report import ReportRequest
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import FINAL, State
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.store.records import CommandRecord

_PREFIX = "report-rank-"


def journal_of(rank: int) -> str:
    """The name under which it is kept how many facts of a rank were taken."""
    return f"{_PREFIX}{rank}"


def has_reported(offsets: Mapping[str, int]) -> bool:
    """Whether a rank of the attempt with these has told anything by HTTP."""
    return any(name.startswith(_PREFIX) for name in offsets)


def next_offset(change: Change, attempt: int, rank: int) -> int:
    """How many facts of this rank were taken. Raises Refusal where none may be, any more."""
    over = change.attempt.ended_at is not None or State(change.job.status) in FINAL
    if over or change.job.attempt != attempt:
        raise Refusal("unauthenticated", "The attempt that this token was made for is over.")
    if f"rank-{rank}.jsonl" in change.attempt.offsets:
        raise Refusal(
            "conflict",
            f"Rank {rank} keeps a journal that the server reads; what it reports too would count twice.",
            job_status=change.job.status,
        )
    return int(change.attempt.offsets.get(journal_of(rank), 0))


def not_yet_taken(request: ReportRequest, known: int) -> list[Fact]:
    """Those that are new, each as its journal would have it. None beyond a gap."""
    new = request.facts[known - request.offset :] if request.offset <= known else []
    return [{**fact.model_dump(), "source": f"rank-{request.rank}"} for fact in new]


def asked_of_run(command: CommandRecord | None) -> dict[str, Any] | None:
    """A command as it travels to the run; a resume is carried out by the launch itself."""
    if command is None or command.action not in ("cancel", "pause") or command.deadline is None:
        return None
    return {
        "id": command.id,
        "action": command.action,
        "mode": command.mode or "graceful",
        "created_at": command.created_at,
        "term_at": command.term_at,
        "deadline": command.deadline,
    }
