"""The jobs of this server: the one door through which anything about them changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trainstop.server.jobs.supervised_job import Fact, SupervisedJob


class Jobs:
    """Synchronous, one transaction a call, callable from any thread. Blocks on the disk."""

    on_change: Callable[[str], None] | None = None
    """Called with a job's id after a commit that supervision must act on: a new job, a new or a changed command,
    a place that became free. Called in whatever thread made the change."""

    def supervised(self) -> list[SupervisedJob]:
        """Every job that is pending, running, pausing or stopping; oldest first."""
        raise NotImplementedError

    def supervised_job(self, job_id: str) -> SupervisedJob | None:
        """The same for one job; None when it needs no supervision (any more)."""
        raise NotImplementedError

    def claim_launch(self, job_id: str, attempt: int) -> bool:
        """Call before a shim is started; start it only on True.

        Durable: from here on a cancel takes the ladder rather than just cancelling a waiting job. True again for an
        attempt claimed before and not launched (the server died in between); False when the job was cancelled or
        paused meanwhile or no place is free.
        """
        raise NotImplementedError

    def record(
        self, job_id: str, attempt: int, facts: Sequence[Fact], offsets: dict[str, int]
    ) -> None:
        """Take in what was seen, in the order it happened, and how far each journal has been read, in one
        transaction: transitions, receipts, events, offsets. `offsets` may name only some journals."""
        raise NotImplementedError
