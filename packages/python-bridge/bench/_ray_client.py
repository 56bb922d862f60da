"""Runs in Ray's own environment: submits and stops jobs as told on stdin, one JSON answer a line.

Arguments: the address of Ray's dashboard.
"""

from __future__ import annotations

import json
import sys

from ray.job_submission import JobSubmissionClient  # type: ignore[import-not-found]


def main(address: str) -> None:
    client = JobSubmissionClient(address)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        action, argument, environment = json.loads(line)
        if action == "submit":
            answer = client.submit_job(entrypoint=argument, runtime_env={"env_vars": environment})
        elif action == "stop":
            answer = client.stop_job(argument)
        else:
            answer = str(client.get_job_status(argument))
        print(json.dumps(answer), flush=True)


main(sys.argv[1])
