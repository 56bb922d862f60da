"""Who is told what was decided, to count it. Told after the commit, in whatever thread made it."""

from __future__ import annotations

from trainstop.server.store.records import CommandRecord


class Observer:
    """Counts nothing. Override what is of interest; nothing may be raised."""

    def asked(self, action: str, mode: str | None, outcome: str) -> None:
        """`outcome`: `accepted`, `no_op`, or `refused` by the rules."""

    def command_ended(self, command: CommandRecord) -> None:
        """With all its receipts."""

    def supervised(self, type_: str) -> None:
        """A fact of the supervisor's own was recorded, say `launched`; or `shim_killed`."""
