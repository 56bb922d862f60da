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


@pytest.mark.parametrize(("source", "by"), [("shim", "shim"), ("supervisor", "server")])
@pytest.mark.parametrize("state", ["done", "failed", "not_measured"])
def test_the_release_of_the_gpus_is_a_receipt_that_names_who_measured(
    desk: Desk, source: str, by: str, state: str
) -> None:
    job_id = desk.running()
    desk.tell(job_id, "shim", "gpu_seen", devices=[], processes=[], others=[])
    desk.pause(job_id)
    desk.tell(job_id, source, "resources", state=state, detail="0 of 23.1 GiB left on GPU 0." * 1000)
    [receipt] = [
        each for each in desk.job(job_id)["command"]["receipts"] if each["stage"] == "resources_released"
    ]
    assert (receipt["state"], receipt["by"]) == (state, by)
    assert receipt["detail"].startswith("0 of 23.1 GiB left on GPU 0.")
    assert len(receipt["detail"]) <= 2000
    desk.exit(job_id)
    assert desk.receipts(job_id)["resources_released"] == state
