"""A transaction that was undone by the database, not by what it does, is asked again."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from trainstop.server.store.store_error import TransactionLostError

log = logging.getLogger("trainstop.server.store")

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 4
FIRST_PAUSE_SECONDS = 0.05
"""Doubles with each try, give or take half of it, so that those who collided don't meet again."""


def repeated(function: Callable[P, T]) -> Callable[P, T]:
    """For a function that is one transaction and changes nothing but the store before its commit.

    Tried at most `TRIES` times. A commit whose outcome is not known is never repeated here.
    """

    @functools.wraps(function)
    def asked_again(*args: P.args, **kwargs: P.kwargs) -> T:
        for tries in range(1, TRIES):
            try:
                return function(*args, **kwargs)
            except TransactionLostError as error:
                log.warning("a transaction is asked again: %s", error)
                pause = FIRST_PAUSE_SECONDS * 2 ** (tries - 1)
                time.sleep(pause * random.uniform(0.5, 1.5))
        return function(*args, **kwargs)

    return asked_again
