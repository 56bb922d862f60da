"""Makes a store with so many paused jobs in it. Arguments: the file, how many jobs."""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import insert

from trainstop.rundir.clock import rfc3339
from trainstop.server.jobs.progress import no_progress
from trainstop.server.store import tables
from trainstop.server.store.database import Database

AT = rfc3339(1_800_000_000)
METRICS = {name: {"value": 0.123456, "step": 780, "at": AT} for name in ("loss", "eval_loss", "accuracy")}
JOB = {
    **{"owner": None, "name": "Digits", "template": "digits", "params": {"epochs": 10}},
    **{"argv": ["python", "train.py"], "cwd": "/", "env": {}, "created_at": AT, "updated_at": AT},
    **{"status": "paused", "health": "ok", "attempt": 1, "status_version": 3, "seq": 40, "events_from": 40},
    **{"progress": no_progress() | {"step": 780, "step_total": 1560}, "latest_metrics": METRICS},
}
ATTEMPT = {
    **{"attempt": 1, "created_at": AT, "launch": "launched", "ended_at": AT, "tree_gone_at": AT},
    **{"ranks": {}, "rate_samples": [], "signals": {}, "offsets": {}},
}


def main() -> None:
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ids = [f"job_{number:016x}" for number in range(count)]
    database = Database(path)
    with database.write() as connection:
        connection.execute(insert(tables.jobs), [{**JOB, "id": id_} for id_ in ids])
        connection.execute(insert(tables.attempts), [{**ATTEMPT, "job_id": id_} for id_ in ids])
    database.close()


main()
