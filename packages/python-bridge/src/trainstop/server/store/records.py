"""Rows as objects: one class a table, its fields named as the columns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Self

from sqlalchemy import Connection, Insert, Row, Select, Table, Update, bindparam, insert, select, update

from trainstop.server.store import tables

_ALIASES = {"from": "from_"}
"""Columns whose name is a word of Python's."""
_FIELDS = {field: column for column, field in _ALIASES.items()}

_OF_KEY = "key_"
"""Before the names of the parameters that say which row."""

Json = dict[str, Any]


class Record:
    """A row. Change its fields, then `save` it in the same transaction."""

    table: ClassVar[Table]

    @classmethod
    def from_row(cls, row: Row[Any]) -> Self:
        return cls(
            **{
                _ALIASES.get(name, name): value
                for name, value in row._mapping.items()
                if _ALIASES.get(name, name) in cls.__dataclass_fields__  # type: ignore[attr-defined]
            }
        )

    @classmethod
    def find(cls, connection: Connection, *, lock: bool = False, **where: Any) -> Self | None:
        """The row with these columns' values. `lock`: nobody else changes it until the transaction ends."""
        given = {name: value for name, value in where.items() if value is not None}
        row = connection.execute(_finding(cls.table, (*where,), (*given,), lock), given).first()
        return None if row is None else cls.from_row(row)

    def values(self) -> dict[str, Any]:
        return {
            _FIELDS.get(each.name, each.name): getattr(self, each.name)
            for each in fields(self)  # type: ignore[arg-type]
        }

    def add(self, connection: Connection) -> None:
        connection.execute(_adding(self.table), self.values())

    def save(self, connection: Connection) -> None:
        """Write every field back to the row with this record's key."""
        values = self.values()
        key = {_OF_KEY + name: values.pop(name) for name in self._key()}
        result = connection.execute(_saving(self.table, self._key()), {**values, **key})
        if result.rowcount != 1:
            raise LookupError(f"{self.table.name} has no row {list(key.values())}")

    @classmethod
    def _key(cls) -> tuple[str, ...]:
        return ("id",)


# Each statement is made once: making and fingerprinting one costs more than the database takes for it.


@cache
def _finding(table: Table, names: tuple[str, ...], given: tuple[str, ...], lock: bool) -> Select[Any]:
    """`given`: those of the names that have a value; the others are NULL."""
    wanted = (table.c[name] == (bindparam(name) if name in given else None) for name in names)
    query = select(table).where(*wanted)
    return query.with_for_update() if lock else query


@cache
def _adding(table: Table) -> Insert:
    return insert(table)


@cache
def _saving(table: Table, key: tuple[str, ...]) -> Update:
    return update(table).where(*(table.c[name] == bindparam(_OF_KEY + name) for name in key))


@dataclass(slots=True, kw_only=True)
class JobRecord(Record):
    table: ClassVar[Table] = tables.jobs

    id: str
    owner: str | None
    name: str
    template: str | None
    params: Json
    argv: list[str]
    cwd: str
    env: dict[str, str]
    """What the template adds to the server's environment."""
    status: str = "pending"
    health: str = "ok"
    attempt: int = 1
    created_at: str
    updated_at: str
    started_at: str | None = None
    ended_at: str | None = None
    progress: Json
    latest_metrics: Json = field(default_factory=dict)
    last_checkpoint_id: str | None = None
    best_checkpoint_id: str | None = None
    best_metric: Json | None = None
    """`{metric, mode}`: what makes a checkpoint the best; `mode` is `min` or `max`."""
    schedule: Json | None = None
    """`{save_every, epochs}`: what a stop can wait for, as the run told it."""
    launchers: list[str] | None = None
    """What starts the run's processes and kills them in a time of its own; see `jobs/launchers.py`."""
    held_by: str | None = None
    """The command for which the run stands still."""
    waits_for: Json | None = None
    """`{code, message}`: why it is not started yet, as the wire's warnings have it; see `jobs/waiting.py`."""
    save_seconds: float | None = None
    """The longest save seen: what a grace must cover."""
    command_id: str | None = None
    last_command_id: str | None = None
    end: Json | None = None
    resumed_from: Json | None = None
    resumed_as: str | None = None
    status_version: int = 0
    seq: int = 0
    events_from: int = 0
    """Every event after this seq is there; retention raises it with what it takes away."""
    metric_rows: int = 0
    """All of its metrics' batches together; retention lowers it."""
    server_id: str | None = None
    """Of the server whose machine its processes are on; None for a moment after a migration."""


@dataclass(slots=True, kw_only=True)
class AttemptRecord(Record):
    """What is known of one attempt's processes."""

    table: ClassVar[Table] = tables.attempts

    job_id: str
    attempt: int
    created_at: str
    launch: str = "waiting"
    """`waiting`, `claimed` or `launched`."""
    resume: Json | None = None
    """`{checkpoint_id, path}` to start from."""
    started_at: str | None = None
    ranks: dict[str, Json] = field(default_factory=dict)
    """Rank's journal source → `{acknowledged: command id | null, left: reason | null}`, and `parked`: the
    hold or its resume that it acknowledged last."""
    rate_samples: list[list[float]] = field(default_factory=list)
    """`[unix seconds, step]` of the last seconds."""
    pace: Json | None = None
    """`{step, moved_at, step_seconds}`: where the run was last seen, since when (Unix seconds), and how long
    a step of it usually takes."""
    signals: Json = field(default_factory=dict)
    """`{term: at, kill: at, swept: n}` as sent by the ladder."""
    start_error: str | None = None
    exit: Json | None = None
    """`{exit_code, signal, at}` of the main process."""
    tree_gone_at: str | None = None
    ended_at: str | None = None
    offsets: dict[str, int] = field(default_factory=dict)

    @classmethod
    def _key(cls) -> tuple[str, ...]:
        return ("job_id", "attempt")


@dataclass(slots=True, kw_only=True)
class CommandRecord(Record):
    table: ClassVar[Table] = tables.commands

    id: str
    job_id: str
    attempt: int
    action: str
    mode: str | None = None
    hold: bool | None = None
    from_: str | None = None
    reason: str | None = None
    note: str | None = None
    actor: Json
    status: str = "active"
    superseded_by: str | None = None
    idempotency_key: str | None = None
    created_at: str
    wait_until: str | None = None
    """`checkpoint` and `epoch`: until when the run goes on to that place."""
    term_at: str | None = None
    deadline: str | None = None
    ended_at: str | None = None
    message: str | None = None
    receipts: list[Json] = field(default_factory=list)
    resumed_as: str | None = None
    """The job that a resume of a final job started."""


@dataclass(slots=True, kw_only=True)
class CheckpointRecord(Record):
    table: ClassVar[Table] = tables.checkpoints

    id: str
    job_id: str
    attempt: int
    step: int | None
    epoch: float | None
    path: str
    bytes: int
    files: int
    saved_at: str
    save_seconds: float
    reason: str
    verified: bool
    problem: str | None
    metrics: Json
    removed_at: str | None = None

    @classmethod
    def _key(cls) -> tuple[str, ...]:
        return ("job_id", "id")
