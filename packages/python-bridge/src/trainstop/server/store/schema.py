"""The tables of a store that is being opened: made, recognised, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select

from trainstop.server.store import tables
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.store_error import StoreError

if TYPE_CHECKING:
    from trainstop.server.store.database import Database


def prepare(database: Database, where: Path | PostgresUrl) -> int:
    """Make the tables of a new store, check the version of an old one; returns the generation."""
    with database.write() as connection:
        return _prepare(connection)


def _prepare(connection: Connection) -> int:
    tables.metadata.create_all(connection)
    found = {row.key: row.value for row in connection.execute(select(tables.meta))}
    if not found:
        found = {"schema_version": str(tables.SCHEMA_VERSION), "generation": str(tables.FIRST_GENERATION)}
        connection.execute(insert(tables.meta), [{"key": key, "value": found[key]} for key in found])
    if found["schema_version"] != str(tables.SCHEMA_VERSION):
        raise StoreError(
            f"The store was written by another version of Trainstop (schema {found['schema_version']}, "
            f"this is {tables.SCHEMA_VERSION}): use that version, or another data directory."
        )
    return int(found["generation"])
