from __future__ import annotations


class Refusal(Exception):
    """A request that is refused and has changed nothing. `str(refusal)` is one sentence for a person."""

    def __init__(
        self, code: str, sentence: str, *, field: str | None = None, job_status: str | None = None
    ) -> None:
        """`code`: of `trainstop.protocol.error`. `field`: what is wrong in the request. `job_status`: the
        true status of the job, where the refusal is about it."""
        super().__init__(sentence)
        self.code = code
        self.field = field
        self.job_status = job_status


def no_such_job() -> Refusal:
    """The same for a job that never was and for somebody else's, to the letter."""
    return Refusal("job_not_found", "There is no such job here.")
