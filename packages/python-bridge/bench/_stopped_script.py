"""The script that both systems run: a training loop with a loader process, stoppable by either.

Under Trainstop it hears the stop at its next step; under anything else SIGTERM ends its loop at the next
step, as scripts that want to save do. Either way it saves the same file, ends its loader and leaves.
Arguments: the file in which it names its processes once it trains; `obeys`, or `stuck`: it hears nothing and
ignores SIGTERM, as one that hangs in a driver or a collective does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import trainstop

STEP_SECONDS = 0.005
WEIGHTS = bytes(1_000_000)


def load(batches: multiprocessing.Queue[bytes], on_sigterm: signal.Handlers) -> None:
    signal.signal(signal.SIGTERM, on_sigterm)
    while True:
        batches.put(b"batch")


def main(ready: Path, stuck: bool) -> None:
    asked: list[int] = []
    with trainstop.run(checkpoint_dir=ready.with_suffix(".checkpoints")) as run:
        if stuck:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif "TRAINSTOP_RUN_DIR" not in os.environ:
            signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
        batches: multiprocessing.Queue[bytes] = multiprocessing.Queue(8)
        on_sigterm = signal.SIG_IGN if stuck else signal.SIG_DFL
        loader = multiprocessing.Process(target=load, args=(batches, on_sigterm), daemon=True)
        loader.start()
        step = 0
        while True:
            batches.get()
            time.sleep(STEP_SECONDS)
            step += 1
            if step == 10:
                text = f"{os.getpid()} {loader.pid}"
                part = ready.with_suffix(".part")
                part.write_text(text)
                part.rename(ready)
            if not stuck and (run.end_step(step).stop or asked):
                break
        with run.checkpoint(step=step) as path:
            (path / "weights.bin").write_bytes(WEIGHTS)
        loader.kill()
        loader.join()


main(Path(sys.argv[1]), sys.argv[2] == "stuck")
