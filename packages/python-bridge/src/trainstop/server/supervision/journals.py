"""The journals of one attempt: what was written since the store last heard, in the order it happened."""

from __future__ import annotations

import heapq
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainstop.rundir.journal import read_placed_facts
from trainstop.rundir.layout import RunDir

BATCH_BYTES = 1 << 20
"""Read at most so much of each journal at once: after a long absence, memory and transactions stay small."""
SHIM_BYTES = 8 << 20
"""The same for the shim's, which are read to their ends where they can be, so that they are told in order
with the ranks'. None was ever seen to grow to this; a script could make it do so."""

MOST_RANKS = 10_000
"""Of one attempt on one machine. Everything in its directory is looked at once a second."""

SHIM_JOURNAL = "shim.jsonl"
SUPERVISOR_JOURNAL = "supervisor.jsonl"
"""What the server itself did to the job's processes after their shim died; see `orphaned_tree`."""

_RANK_JOURNAL = re.compile(r"rank-(?:0|[1-9]\d{0,5})\.jsonl")


@dataclass(frozen=True, slots=True)
class Batch:
    facts: list[dict[str, Any]]
    """Each with its `source`, the journal's name without `.jsonl`, and the `offset` of its line there."""
    offsets: dict[str, int]
    """Journal file name → where this batch ends in it; only those it went further in. Empty: no news."""


class Journals:
    """Reads forward from `offsets`. `read` doesn't move; `advance` does, once the batch is in the store."""

    def __init__(self, run: RunDir, offsets: Mapping[str, int]) -> None:
        self._run = run
        self._offsets = dict(offsets)
        self._seen: dict[str, int] | None = None

    def changed(self) -> bool:
        """Whether a journal or the exit record is new or has grown since the last `read`. Opens none."""
        return self._sizes() != self._seen

    def look_again(self) -> None:
        """What was read is not taken in: `changed` says so until the next `read`."""
        self._seen = None

    def read(self) -> Batch:
        """The next facts of all journals. Within one their order is kept, between them `at` decides.

        Nothing of the shim is given before what the ranks had written by then, even when that takes several
        batches: a process does not end in the store before its last word is there.
        """
        sizes = self._seen = self._sizes()
        batch = _Reading(self._run, self._offsets)
        horizon: str | None = None
        for name in sizes:
            if _RANK_JOURNAL.fullmatch(name):
                complete = sizes[name] - self._offset(name) <= BATCH_BYTES
                last = batch.take(name, BATCH_BYTES)
                if not complete:
                    horizon = last if horizon is None else min(horizon, last)
        for name in (SHIM_JOURNAL, SUPERVISOR_JOURNAL):
            unread = sizes.get(name, 0) - self._offset(name)
            if unread > 0 and horizon is None:
                batch.take(name, min(unread, SHIM_BYTES))
            elif unread > 0 and horizon is not None:
                batch.take_until(name, horizon)
        return batch.result()

    def read_one(self) -> Batch:
        """Just the next fact, at some cost: to find the one that does harm."""
        heads = []
        for name in self._sizes().keys() - {self._run.exit_record.name}:
            reading = _Reading(self._run, self._offsets)
            reading.take(name, 1)  # a line is never cut: with this limit it is exactly one
            head = reading.result()
            if head.offsets and not head.facts:
                return head  # a torn line
            if head.offsets:
                heads.append(head)
        return min(heads, key=lambda head: str(head.facts[0]["at"]), default=Batch([], {}))

    def advance(self, batch: Batch) -> None:
        self._offsets.update(batch.offsets)

    def begin_of(self, batch: Batch) -> dict[str, int]:
        """Where the batch begins in each journal that it goes further in."""
        return {name: self._offset(name) for name in batch.offsets}

    def go_to(self, offsets: Mapping[str, int]) -> None:
        """Read on from there."""
        self._offsets = dict(offsets)
        self._seen = None

    def has_reached(self, batch: Batch) -> bool:
        return all(self._offset(name) >= end for name, end in batch.offsets.items())

    def _offset(self, name: str) -> int:
        return self._offsets.get(name, 0)

    def _sizes(self) -> dict[str, int]:
        """Sizes of the journals and of the exit record, the shim's first: what led to a line of it is on disk
        when the ranks' are measured after it. Plain files alone."""
        paths = [self._run.exit_record, self._run.shim_journal, self._run.path / SUPERVISOR_JOURNAL]
        sizes = {path.name: size for path in paths if (size := _size(path)) is not None}
        try:
            with os.scandir(self._run.path) as entries:
                ranks = [entry.name for entry in entries if _RANK_JOURNAL.fullmatch(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            ranks = []
        if len(ranks) > MOST_RANKS:  # a script's doing; which of them are read must not change by itself
            ranks = sorted(ranks, key=lambda name: (len(name), name))[:MOST_RANKS]
        sizes |= {name: size for name in ranks if (size := _size(self._run.path / name)) is not None}
        return sizes


def _size(path: Path) -> int | None:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class _Reading:
    """One pass over the journals, from the given offsets on."""

    def __init__(self, run: RunDir, offsets: Mapping[str, int]) -> None:
        self._run = run
        self._start = offsets
        self._facts: dict[str, list[dict[str, Any]]] = {}
        self._offsets: dict[str, int] = {}

    def take(self, name: str, limit: int) -> str:
        """Read on in one journal. Returns the `at` of the last fact, empty when there was none."""
        offset = self._offsets.get(name, self._start.get(name, 0))
        facts, end = read_placed_facts(self._run.path / name, offset, limit)
        return self._keep(name, facts, offset, end)

    def take_until(self, name: str, horizon: str) -> None:
        """Line by line, as long as what happened is not later than `horizon`."""
        while True:
            offset = self._offsets.get(name, self._start.get(name, 0))
            facts, end = read_placed_facts(self._run.path / name, offset, 1)
            if end == offset or (facts and facts[0][1]["at"] > horizon):
                return
            self._keep(name, facts, offset, end)

    def result(self) -> Batch:
        # The shim's first where the times are equal: it delivers before anybody can acknowledge.
        names = sorted(self._facts, key=lambda name: (name not in (SHIM_JOURNAL, SUPERVISOR_JOURNAL), name))
        merged = heapq.merge(*(self._facts[name] for name in names), key=lambda fact: str(fact["at"]))
        return Batch(list(merged), self._offsets)

    def _keep(self, name: str, facts: list[tuple[int, dict[str, Any]]], offset: int, end: int) -> str:
        if end > offset:
            self._offsets[name] = end
        source = name.removesuffix(".jsonl")
        self._facts.setdefault(name, []).extend(
            {**fact, "source": source, "offset": begins} for begins, fact in facts
        )
        return str(facts[-1][1]["at"]) if facts else ""
