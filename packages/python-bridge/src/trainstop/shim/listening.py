"""Whether anybody in a run can hear of a command otherwise than by a signal."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.rundir.layout import RunDir
    from trainstop.shim.ladder import Order


def nobody_listens(run: RunDir, order: Order) -> bool:
    """No rank of this attempt has ever come to `trainstop.run`, nor reports by HTTP.

    A rank's files are there before it trains, and stay: one that died or has left was here, and what started
    it may start another, or have its last model to write. A directory that can't be read proves nothing.
    """
    if order.reported:
        return False
    try:
        return not run.has_ranks()
    except OSError:
        return False
