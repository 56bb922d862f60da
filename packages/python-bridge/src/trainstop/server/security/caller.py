"""Who calls: what the credentials of a request say, before any route looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from starlette.types import Scope

MAX_NAME_CHARACTERS = 2000
"""Of an owner's or actor's id and name, wherever they come from."""


@dataclass(frozen=True, slots=True)
class Caller:
    kind: Literal["service", "person", "worker"]
    """`service`: bears the server's own token and is believed about whom it speaks for. `person`: bears a
    token of their own. `worker`: a run, which may report on itself and nothing else."""
    id: str | None = None
    """The person's."""
    name: str | None = None
    operator: bool = False
    """A person who sees everybody's jobs."""
    expires_at: float | None = None
    """Unix seconds; None: the credential doesn't expire."""
    job_id: str | None = None
    attempt: int | None = None
    """The worker's run."""

    @property
    def sees_only(self) -> str | None:
        """The owner whose jobs exist for a person; None: everybody's do."""
        return None if self.operator else self.id

    @property
    def actor(self) -> dict[str, str | None]:
        if self.kind == "person":
            return {"type": "user", "id": self.id, "name": self.name}
        return {"type": "service", "id": None, "name": None}


def caller_of(scope: Scope) -> Caller:
    """Set by the guard on every request that it lets through to a closed route."""
    caller: Caller = scope["state"]["caller"]
    return caller


class CredentialError(Exception):
    """A credential that is not taken. One plain sentence, without anything of the credential."""


class KeysUnreachableError(Exception):
    """Nobody can say now whether a person's token is good. One plain sentence."""


def put_caller(scope: Scope, caller: Caller) -> None:
    state: dict[str, Any] = scope.setdefault("state", {})
    state["caller"] = caller
