"""Metric values as the journal holds them, from the numbers of any library, importing none."""

from __future__ import annotations

from trainstop.training.complaint import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from trainstop.checkpoints.manifest import MetricValue

# Beyond it a double no longer holds every integer, and neither JSON nor a database column needs to.
_EXACT = 1 << 53


def plain_numbers(metrics: Mapping[str, object]) -> dict[str, float]:
    """Each value as an int or float of its own, detached from arrays and tensors that change later.

    A value on an accelerator is fetched, which waits for it. What is no single number is left out and
    complained about once.
    """
    plain: dict[str, float] = {}
    for name, value in metrics.items():
        if type(value) is float or type(value) is int:
            plain[name] = value
            continue
        try:
            item: Any = getattr(value, "item", None)
            number: Any = item() if item is not None else value
            if isinstance(number, str | bytes):
                raise TypeError("text")
            plain[name] = int(number) if isinstance(number, int) else float(number)
        except Exception:
            complain(f"metric {name!r} is left out: {type(value).__name__} is not a single number")
    return plain


def encode(number: float) -> MetricValue:
    """A number as JSON can hold it: NaN and the infinities by name."""
    if isinstance(number, int):
        if -_EXACT <= number <= _EXACT:
            return number
        try:
            number = float(number)
        except OverflowError:
            return "Infinity" if number > 0 else "-Infinity"
    if number - number == 0:
        return number
    if number > 0:
        return "Infinity"
    return "-Infinity" if number < 0 else "NaN"


def encode_all(numbers: Mapping[str, float]) -> dict[str, MetricValue]:
    return {str(name): encode(number) for name, number in numbers.items()}
