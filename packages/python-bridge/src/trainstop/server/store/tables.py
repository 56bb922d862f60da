"""What is kept, as SQL. Columns have the names of the wire; times are RFC 3339 text in UTC.

Whatever changes here is also a step of `migrations/versions`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

metadata = MetaData()

_big = BigInteger().with_variant(Integer, "sqlite")
"""What counts bytes, steps, rows: 64 bits. SQLite has them anyway, and wants this word for its keys."""


class _Words(TypeDecorator[str]):
    """Text from anywhere. What no database can hold, a NUL or half a surrogate pair, becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isprintable() and value.isascii()):
            return value
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _json() -> JSON:
    # None is stored as SQL's NULL, not as the JSON text "null". On PostgreSQL json rather than jsonb: that
    # would give 1e300 back as a whole number of 301 digits, and refuse the NUL that a script may write.
    return JSON(none_as_null=True)


meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", _Words, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("number", _big, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("owner", _Words),
    Column("name", _Words, nullable=False),
    Column("template", String(64)),
    Column("params", _json(), nullable=False),
    Column("argv", _json(), nullable=False),
    Column("cwd", _Words, nullable=False),
    Column("env", _json(), nullable=False),
    Column("status", String(32), nullable=False),
    Column("health", String(32), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("started_at", String(32)),
    Column("ended_at", String(32)),
    Column("progress", _json(), nullable=False),
    Column("latest_metrics", _json(), nullable=False),
    Column("last_checkpoint_id", String(64)),
    Column("best_checkpoint_id", String(64)),
    Column("best_metric", _json()),
    Column("schedule", _json()),
    Column("launchers", _json()),
    Column("held_by", String(64)),
    Column("waits_for", _json()),
    Column("save_seconds", Float),
    Column("command_id", String(64)),
    Column("last_command_id", String(64)),
    Column("end", _json()),
    Column("resumed_from", _json()),
    Column("resumed_as", String(64)),
    Column("status_version", _big, nullable=False),
    Column("seq", _big, nullable=False),
    # Events up to and with this seq may be gone: a cursor before it is no place to go on from.
    Column("events_from", _big, nullable=False, server_default="0"),
    # Rows in `metrics`, all batches together.
    Column("metric_rows", _big, nullable=False, server_default="0"),
    # Of the server whose machine its processes are on.
    Column("server_id", String(64)),
    Index("jobs_by_owner", "owner", "number"),
    Index("jobs_by_status", "status", "number"),
    # The status first: see `jobs/reading.py`.
    Index("jobs_by_status_and_owner", "status", "owner", "number"),
    sqlite_autoincrement=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("launch", String(16), nullable=False),
    Column("resume", _json()),
    Column("started_at", String(32)),
    Column("ranks", _json(), nullable=False),
    Column("rate_samples", _json(), nullable=False),
    Column("pace", _json()),
    Column("signals", _json(), nullable=False),
    Column("start_error", _Words),
    Column("exit", _json()),
    Column("tree_gone_at", String(32)),
    Column("ended_at", String(32)),
    Column("offsets", _json(), nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("number", _big, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("mode", String(16)),
    Column("hold", Boolean),
    Column("from", String(64)),
    Column("reason", String(32)),
    Column("note", _Words),
    Column("actor", _json(), nullable=False),
    Column("status", String(16), nullable=False),
    Column("superseded_by", String(64)),
    Column("idempotency_key", _Words),
    Column("created_at", String(32), nullable=False),
    Column("wait_until", String(32)),
    Column("term_at", String(32)),
    Column("deadline", String(32)),
    Column("ended_at", String(32)),
    Column("message", _Words),
    Column("receipts", _json(), nullable=False),
    Column("resumed_as", String(64)),
    Index("commands_by_job", "job_id", "number"),
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("number", _big, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("step", _big),
    Column("epoch", Float),
    Column("path", _Words, nullable=False),
    Column("bytes", _big, nullable=False),
    Column("files", _big, nullable=False),
    Column("saved_at", String(32), nullable=False),
    Column("removed_at", String(32)),
    Column("save_seconds", Float, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("problem", _Words),
    Column("metrics", _json(), nullable=False),
    UniqueConstraint("job_id", "id"),
    sqlite_autoincrement=True,
)

# The rows of a metrics event lie in `metrics` alone: they outlive the event and are stored once.
events = Table(
    "events",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("seq", _big, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("type", String(16), nullable=False),
    Column("data", _json(), nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("seq", _big, primary_key=True),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("columns", _json(), nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", _Words, primary_key=True),
    Column("key", _Words, primary_key=True),
    Column("request", _Words, nullable=False),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("command_id", String(64)),
    Column("created_at", String(32)),
    Index("idempotency_keys_by_age", "created_at"),
    Index("idempotency_keys_by_job", "job_id"),
)

# Jobs that are no more, whose files still are.
removals = Table("removals", metadata, Column("job_id", String(64), primary_key=True))

# A server is a data directory: who works in it now, and when that was seen last (Unix seconds, by the store's
# clock where it has one).
servers = Table(
    "servers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("host", _Words, nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("place", _Words, nullable=False),
    Column("run", String(64), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)
