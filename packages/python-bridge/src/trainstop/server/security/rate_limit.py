"""How often somebody may: so many a second, ten seconds' worth of them at once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

BURST_SECONDS = 10.0
MAX_KEYS = 20_000
"""Callers that are remembered; of more, those that were not heard for longest are forgotten."""


class RateLimit:
    """A token bucket for each key, kept as the one moment when it will be full again (GCRA)."""

    def __init__(
        self, per_second: float, clock: Callable[[], float] = time.monotonic, *, max_keys: int = MAX_KEYS
    ) -> None:
        self._interval = 1 / per_second
        self._burst = max(BURST_SECONDS, self._interval)
        self._clock = clock
        self._max_keys = max_keys
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> float:
        """0: granted. Else refused, at no cost, and the seconds after which it would be granted."""
        now = self._clock()
        full_at = max(self._full_at.pop(key, now), now) + self._interval
        excess = full_at - now - self._burst
        refused = excess > 1e-9
        self._full_at[key] = full_at - self._interval if refused else full_at
        while len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)
        return excess if refused else 0.0


class Places:
    """How many at once, in all and for each key."""

    def __init__(self, in_all: int, per_key: int) -> None:
        self._in_all = in_all
        self._per_key = per_key
        self._taken: dict[Hashable, int] = {}
        self._sum = 0

    def free(self, key: Hashable) -> bool:
        """`key` None counts towards the whole alone."""
        return self._sum < self._in_all and (key is None or self._taken.get(key, 0) < self._per_key)

    @contextmanager
    def take(self, key: Hashable) -> Iterator[None]:
        self._sum += 1
        self._taken[key] = self._taken.get(key, 0) + 1
        try:
            yield
        finally:
            self._sum -= 1
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
