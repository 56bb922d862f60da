"""Checkpoints that were told and not yet read back. They hold up nothing but themselves.

Which facts wait is kept with the journals' offsets, in the transaction that reads past them, so that the next
server knows them too. Under `<journal>#<slot>`: twice the offset of its line, plus 1 while it waits and
2 when it does no more. Like all offsets, these only grow.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir
from trainstop.server.supervision.checkpoint_verification import verify_checkpoint

log = logging.getLogger("trainstop.server.supervision")

MOST_WAITING = 5000
"""Of an attempt. A run that saved every minute for two days without a server is below it."""
TYPES = ("checkpoint", "checkpoint_removed")
"""The second waits only behind the first: what is not known yet can't be taken away."""


@dataclass(frozen=True, slots=True)
class Waiting:
    key: str
    stand: int
    fact: dict[str, Any]

    @property
    def begins(self) -> dict[str, int]:
        return {self.key: self.stand}

    @property
    def done(self) -> dict[str, int]:
        """What to record when it waits no more."""
        return {self.key: self.stand + 1}


class Unverified:
    """`read` and `verified` ask the disk and may be called from any thread; all else is the event loop's.
    `take` what `read` gave before anything else."""

    def __init__(self, run: RunDir, job_id: str, offsets: Mapping[str, int]) -> None:
        self._run = run
        self._job_id = job_id
        self._slots = {key: stand for key, stand in offsets.items() if "#" in key}
        self._facts: dict[str, dict[str, Any]] | None = None if self else {}
        """Of each its fact; None until those that an earlier server left waiting were read."""
        self._parted: dict[str, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return any(_waits(stand) for stand in self._slots.values())

    @property
    def is_read(self) -> bool:
        return self._facts is not None

    def read(self) -> dict[str, dict[str, Any]]:
        """The facts that an earlier server left waiting. One whose line can't be read any more is empty."""
        facts = {}
        for key, stand in self._slots.items():
            if not _waits(stand):
                continue
            journal, offset = key.partition("#")[0], stand // 2
            found, _ = read_facts(self._run.path / journal, offset, 1)
            source = journal.removesuffix(".jsonl")
            facts[key] = {**found[0], "source": source, "offset": offset} if found else {}
        return facts

    def take(self, facts: dict[str, dict[str, Any]]) -> None:
        self._facts = facts

    def part(self, facts: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """(facts to record now, offsets to record with them so that the others wait)."""
        self._parted = {}
        ids = {
            id_ for fact in self._waiting.values() if isinstance(id_ := fact.get("checkpoint_id"), str | None)
        }
        now: list[dict[str, Any]] = []
        later: dict[str, int] = {}
        slots: dict[str, Iterator[str]] = {}
        left_out = 0
        for fact in facts:
            # Only what may be an id can be looked up; what else a script wrote there, `verified` finds out.
            id_ = fact["checkpoint_id"] if isinstance(fact.get("checkpoint_id"), str) else None
            if fact["type"] != "checkpoint" and not (fact["type"] in TYPES and id_ in ids):
                now.append(fact)
            elif len(self._waiting) + len(later) >= MOST_WAITING:
                left_out += 1
            else:
                ids.add(id_)
                journal = f"{fact['source']}.jsonl"
                if journal not in slots:
                    slots[journal] = self._free_slots(journal)
                key = next(slots[journal])
                later[key] = 2 * int(fact["offset"]) + 1
                self._parted[key] = fact
        if left_out:
            log.warning(
                "job %s: %d checkpoints wait to be read back, and %d further ones are left out",
                *(self._job_id, MOST_WAITING, left_out),
            )
        return now, later

    def add(self, later: dict[str, int]) -> None:
        """What `part` gave was recorded."""
        self._slots |= later
        self._waiting.update({key: self._parted[key] for key in later})

    def next(self) -> Waiting | None:
        """Which to verify: the newest, as a stop waits for its own; what was removed since, after that."""
        facts = self._waiting
        for type_ in TYPES:
            of_type = [key for key, fact in facts.items() if fact.get("type") == type_]
            if of_type:
                newest = max(of_type, key=lambda key: (str(facts[key]["at"]), self._slots[key]))
                return Waiting(newest, self._slots[newest], facts[newest])
        return next((Waiting(key, self._slots[key], fact) for key, fact in facts.items()), None)

    def verified(self, waiting: Waiting) -> dict[str, Any]:
        """The fact as it is to be recorded. Reads every byte of a checkpoint. Raises ValueError."""
        if waiting.fact.get("type") not in TYPES:
            raise ValueError("its line in the journal can't be read any more")
        if waiting.fact["type"] == "checkpoint":
            return verify_checkpoint(self._run, self._job_id, waiting.fact)
        return waiting.fact

    def begin_of(self, later: Mapping[str, int]) -> dict[str, int]:
        return {key: self._slots.get(key, 0) for key in later}

    def remove(self, waiting: Waiting) -> None:
        self._slots |= waiting.done
        self._waiting.pop(waiting.key, None)

    @property
    def _waiting(self) -> dict[str, dict[str, Any]]:
        assert self._facts is not None, "what an earlier server left waiting was not read"
        return self._facts

    def _free_slots(self, journal: str) -> Iterator[str]:
        for slot in count():
            if not _waits(self._slots.get(key := f"{journal}#{slot}", 0)):
                yield key


def _waits(stand: int) -> bool:
    return stand % 2 == 1
