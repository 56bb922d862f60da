"""A run that a test holds still: it saves once, then does only what its gate says.

The gate is a file named for the job: `obey` (go on stepping, and look at what is asked), `finish` or `fail`; none: stand
still and look at nothing.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import trainstop

SAVE_EVERY = 1000


def gate_of(directory: str) -> str:
    try:
        return (Path(directory) / os.environ["TRAINSTOP_JOB_ID"]).read_text()
    except FileNotFoundError:
        return ""


with trainstop.run(total_steps=5000, total_epochs=5) as run:
    step = SAVE_EVERY if run.resume_path is None else SAVE_EVERY + 1
    while True:
        for logged in range(1, 4):
            run.log({"loss": 1 / logged}, step=step + logged - 3, epoch=1)
        print(f"step {step}: größer", flush=True)
        turn = run.end_step(step, save_every=SAVE_EVERY)
        if turn.save:
            with run.checkpoint(step=step) as path:
                (path / "weights.bin").write_bytes(b"weights")
        if turn.stop or run.end_epoch(1).stop:
            break
        while (gate := gate_of(sys.argv[1])) == "":
            time.sleep(0.005)
        if gate == "finish":
            break
        if gate == "fail":
            sys.exit(1)
        step += 1
        time.sleep(0.01)
