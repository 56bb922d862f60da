from __future__ import annotations

import pytest

from trainstop.server.jobs.conftest import Desk


@pytest.mark.parametrize(("source", "by"), [("shim", "shim"), ("supervisor", "server")])
def test_a_delivery_names_who_delivered(desk: Desk, source: str, by: str) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    desk.tell(job_id, source, "delivered", command_id=desk.active(job_id), ranks=1)
    receipts = {receipt["stage"]: receipt for receipt in desk.job(job_id)["command"]["receipts"]}
    assert (receipts["delivered"]["state"], receipts["delivered"]["by"]) == ("done", by)
