"""The best of several checkpoints, by one of the metrics kept with them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def best_of(newest_first: Iterable[tuple[str, Mapping[str, object]]], metric: str, mode: str) -> str | None:
    """The id with the smallest (`mode` "min") or largest ("max") value; of equal ones the newest.

    `newest_first`: ids and metrics. Without the metric, or where it is no finite number, none is the best.
    """
    best: tuple[float, str] | None = None
    for checkpoint_id, metrics in newest_first:
        value = metrics.get(metric)
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            continue
        score = -value if mode == "max" else value
        if best is None or score < best[0]:
            best = score, checkpoint_id
    return None if best is None else best[1]
