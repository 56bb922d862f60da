"""Receipts and deadlines as lines of text."""

from __future__ import annotations

from typing import Any

from trainstop.cli.readable import clock_time, duration
from trainstop.cli.screen import RECEIPT_STYLES, Cell
from trainstop.rundir.clock import now, unix_seconds

WIDTH = 20


def receipt_cells(receipt: dict[str, Any]) -> list[Cell]:
    """`12:01:03  checkpoint saved    done  step-00000400`"""
    state = receipt["state"]
    stage = str(receipt["stage"]).replace("_", " ")
    cells = [
        Cell(f"{clock_time(receipt['at'])}  ", "dim"),
        Cell(f"{stage:<{WIDTH}}"),
        Cell(state.replace("_", " "), RECEIPT_STYLES.get(state, "")),
    ]
    if receipt["detail"]:
        cells.append(Cell(f": {receipt['detail']}", "dim"))
    return cells


_PLACES = {"checkpoint": "its next checkpoint", "epoch": "the end of its epoch"}


def time_left(command: dict[str, Any]) -> str | None:
    """`42 s to its deadline`, how long it is overdue, or what a stop waits for; None without a deadline."""
    if command["deadline"] is None:
        return None
    wait = command.get("wait_until")
    # Once the run has come to its place, the deadline follows from that and is the sooner one.
    if wait is not None and now() < unix_seconds(wait) < unix_seconds(command["deadline"]):
        place = _PLACES.get(command["mode"], "where it is to stop")
        return f"going on to {place}, for {duration(unix_seconds(wait) - now())} at most"
    left = unix_seconds(command["deadline"]) - now()
    return f"{duration(left)} to its deadline" if left >= 0 else f"{duration(-left)} past its deadline"
