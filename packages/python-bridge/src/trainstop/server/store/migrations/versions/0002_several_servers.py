"""Several servers in one store; retention; modes, holds and the best checkpoint.

Open until it is released: whoever adds a column or a table to `tables.py` adds it here too, with
`op.add_column`, `op.create_table` or `op.create_index`. A new column of an old table is nullable or has a
`server_default`, since there are rows already. `migrations_test.py` compares both on both stores.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    # Servers that know no migrations look at this, and leave the store alone.
    op.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    op.add_column("jobs", sa.Column("events_from", _big, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("server_id", sa.String(64)))
    op.add_column("jobs", sa.Column("metric_rows", _big, nullable=False, server_default="0"))
    op.add_column("metrics", sa.Column("rows", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("idempotency_keys", sa.Column("created_at", sa.String(32)))
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["created_at"])
    op.create_index("idempotency_keys_by_job", "idempotency_keys", ["job_id"])
    op.create_table("removals", sa.Column("job_id", sa.String(64), primary_key=True))
    for column in (
        sa.Column("best_checkpoint_id", sa.String(64)),
        sa.Column("best_metric", sa.JSON()),
        sa.Column("schedule", sa.JSON()),
        sa.Column("launchers", sa.JSON()),
        sa.Column("held_by", sa.String(64)),
        sa.Column("waits_for", sa.JSON()),
    ):
        op.add_column("jobs", column)
    op.add_column("attempts", sa.Column("pace", sa.JSON()))
    op.add_column("commands", sa.Column("wait_until", sa.String(32)))
    op.create_index("jobs_by_status_and_owner", "jobs", ["status", "owner", "number"])
    op.create_table(
        "servers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.String(64), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
    )
