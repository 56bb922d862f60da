"""`python -I -m trainstop.gpu`: ask the driver once, print what it says as one JSON object."""

from __future__ import annotations

import json
import signal

from trainstop.gpu.nvml import ask

LIFETIME_SECONDS = 60
"""Whoever asked may have been killed meanwhile: a driver that hangs then keeps nobody for ever."""


def main() -> None:
    signal.alarm(LIFETIME_SECONDS)
    print(json.dumps(ask()), flush=True)


if __name__ == "__main__":
    main()
