"""The schema as it first was: version 1 of `meta.schema_version`. Never changes any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _json(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=nullable)


def _id(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=nullable)


def _time(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), nullable=nullable)


def _words(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, _big, nullable=False)


def _number() -> sa.Column[int]:
    return sa.Column("number", _big, primary_key=True, autoincrement=True)


def _job() -> sa.Column[str]:
    return sa.Column("job_id", sa.String(64), sa.ForeignKey("jobs.id"), nullable=False)


def upgrade() -> None:
    meta = op.create_table(
        "meta",
        sa.Column("key", sa.String(64), primary_key=True),
        _words("value", nullable=False),
    )
    op.bulk_insert(meta, [{"key": "schema_version", "value": "1"}, {"key": "generation", "value": "1"}])
    _jobs()
    _attempts()
    _commands()
    _checkpoints()
    op.create_table(
        "events",
        _job(),
        _count("seq"),
        _time("at", nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        _json("data"),
        sa.PrimaryKeyConstraint("job_id", "seq"),
    )
    op.create_table(
        "metrics",
        _job(),
        _count("seq"),
        _json("columns"),
        sa.PrimaryKeyConstraint("job_id", "seq"),
    )
    op.create_table(
        "idempotency_keys",
        _words("scope", nullable=False),
        _words("key", nullable=False),
        _words("request", nullable=False),
        _job(),
        _id("command_id"),
        sa.PrimaryKeyConstraint("scope", "key"),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        _number(),
        _id("id", nullable=False),
        _words("owner"),
        _words("name", nullable=False),
        _id("template"),
        _json("params"),
        _json("argv"),
        _words("cwd", nullable=False),
        _json("env"),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("health", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _time("created_at", nullable=False),
        _time("updated_at", nullable=False),
        _time("started_at"),
        _time("ended_at"),
        _json("progress"),
        _json("latest_metrics"),
        _id("last_checkpoint_id"),
        sa.Column("save_seconds", sa.Float()),
        _id("command_id"),
        _id("last_command_id"),
        _json("end", nullable=True),
        _json("resumed_from", nullable=True),
        _id("resumed_as"),
        _count("status_version"),
        _count("seq"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_by_owner", "jobs", ["owner", "number"])
    op.create_index("jobs_by_status", "jobs", ["status", "number"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        _job(),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _time("created_at", nullable=False),
        sa.Column("launch", sa.String(16), nullable=False),
        _json("resume", nullable=True),
        _time("started_at"),
        _json("ranks"),
        _json("rate_samples"),
        _json("signals"),
        _words("start_error"),
        _json("exit", nullable=True),
        _time("tree_gone_at"),
        _time("ended_at"),
        _json("offsets"),
        sa.PrimaryKeyConstraint("job_id", "attempt"),
    )


def _commands() -> None:
    op.create_table(
        "commands",
        _number(),
        _id("id", nullable=False),
        _job(),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("mode", sa.String(16)),
        sa.Column("hold", sa.Boolean()),
        _id("from"),
        sa.Column("reason", sa.String(32)),
        _words("note"),
        _json("actor"),
        sa.Column("status", sa.String(16), nullable=False),
        _id("superseded_by"),
        _words("idempotency_key"),
        _time("created_at", nullable=False),
        _time("term_at"),
        _time("deadline"),
        _time("ended_at"),
        _words("message"),
        _json("receipts"),
        _id("resumed_as"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("commands_by_job", "commands", ["job_id", "number"])


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        _number(),
        _id("id", nullable=False),
        _job(),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", _big),
        sa.Column("epoch", sa.Float()),
        _words("path", nullable=False),
        _count("bytes"),
        _count("files"),
        _time("saved_at", nullable=False),
        _time("removed_at"),
        sa.Column("save_seconds", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        _words("problem"),
        _json("metrics"),
        sa.UniqueConstraint("job_id", "id"),
        sqlite_autoincrement=True,
    )
