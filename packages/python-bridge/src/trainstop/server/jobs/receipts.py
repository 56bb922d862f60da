"""The receipts of a command: one a stage, in the order of the stages."""

from __future__ import annotations

from trainstop.protocol.receipt import RECEIPT_STAGES
from trainstop.server.store.records import CommandRecord

_WEIGHT = {"skipped": 0, "not_measured": 0, "failed": 1, "done": 2}


def put_receipt(
    command: CommandRecord, stage: str, state: str, at: str, *, by: str, detail: str | None = None
) -> bool:
    """Add a stage's receipt. One that is there stays, unless the new one says more was reached: a save that
    failed may be tried again, a stage passed over may still come late. True when something changed."""
    receipts = {receipt["stage"]: receipt for receipt in command.receipts}
    before = receipts.get(stage)
    if before is not None and _WEIGHT[state] <= _WEIGHT[before["state"]]:
        return False
    receipts[stage] = {"stage": stage, "state": state, "at": at, "by": by, "detail": detail}
    command.receipts = [receipts[each] for each in RECEIPT_STAGES if each in receipts]
    return True


def amend_receipt(command: CommandRecord, stage: str, detail: str) -> None:
    """Say more of a stage whose receipt is there; nothing where there is none."""
    command.receipts = [
        {**receipt, "detail": detail} if receipt["stage"] == stage else receipt
        for receipt in command.receipts
    ]


def skip_the_rest(command: CommandRecord, at: str, why: str | dict[str, str]) -> None:
    """Say of every stage without a receipt that it was passed over, and why (a sentence for all, or each)."""
    for stage in RECEIPT_STAGES:
        detail = why if isinstance(why, str) else why.get(stage)
        put_receipt(command, stage, "skipped", at, by="server", detail=detail)


def receipt_of(command: CommandRecord, stage: str) -> str | None:
    """The state of a stage; None while it is ahead."""
    return next((receipt["state"] for receipt in command.receipts if receipt["stage"] == stage), None)
