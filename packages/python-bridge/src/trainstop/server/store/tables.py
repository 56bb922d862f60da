"""What is kept, as SQL. Columns have the names of the wire; times are RFC 3339 text in UTC."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
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
    UniqueConstraint,
)

SCHEMA_VERSION = 1
FIRST_GENERATION = 1

metadata = MetaData()


def _json() -> JSON:
    # None is stored as SQL's NULL, not as the JSON text "null".
    return JSON(none_as_null=True)


meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("owner", Text),
    Column("name", Text, nullable=False),
    Column("template", String(64)),
    Column("params", _json(), nullable=False),
    Column("argv", _json(), nullable=False),
    Column("cwd", Text, nullable=False),
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
    Column("save_seconds", Float),
    Column("command_id", String(64)),
    Column("last_command_id", String(64)),
    Column("end", _json()),
    Column("resumed_from", _json()),
    Column("resumed_as", String(64)),
    Column("status_version", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    # Events up to and with this seq may be gone: a cursor before it is no place to go on from.
    Column("events_from", Integer, nullable=False, server_default="0"),
    Index("jobs_by_owner", "owner", "number"),
    Index("jobs_by_status", "status", "number"),
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
    Column("signals", _json(), nullable=False),
    Column("start_error", Text),
    Column("exit", _json()),
    Column("tree_gone_at", String(32)),
    Column("ended_at", String(32)),
    Column("offsets", _json(), nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("mode", String(16)),
    Column("hold", Boolean),
    Column("from", String(64)),
    Column("reason", String(32)),
    Column("note", Text),
    Column("actor", _json(), nullable=False),
    Column("status", String(16), nullable=False),
    Column("superseded_by", String(64)),
    Column("idempotency_key", Text),
    Column("created_at", String(32), nullable=False),
    Column("term_at", String(32)),
    Column("deadline", String(32)),
    Column("ended_at", String(32)),
    Column("message", Text),
    Column("receipts", _json(), nullable=False),
    Column("resumed_as", String(64)),
    Index("commands_by_job", "job_id", "number"),
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("step", Integer),
    Column("epoch", Float),
    Column("path", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("files", Integer, nullable=False),
    Column("saved_at", String(32), nullable=False),
    Column("removed_at", String(32)),
    Column("save_seconds", Float, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("problem", Text),
    Column("metrics", _json(), nullable=False),
    UniqueConstraint("job_id", "id"),
    sqlite_autoincrement=True,
)

# The rows of a metrics event lie in `metrics` alone: they outlive the event and are stored once.
events = Table(
    "events",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("type", String(16), nullable=False),
    Column("data", _json(), nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("columns", _json(), nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("command_id", String(64)),
)
