"""The store: opening it, and transactions on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from trainstop.server.store.postgres import postgres_engine, transaction
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.schema import prepare
from trainstop.server.store.sqlite import make_private, sqlite_engine
from trainstop.server.store.store_error import StoreError

__all__ = ["Database", "StoreError"]


class OnTransaction(Protocol):
    """Told of each transaction, in its thread, when it has ended."""

    def __call__(self, kind: Literal["read", "write"], seconds: float, *, failed: bool) -> None: ...


class Database:
    """Transactions on one SQLite file or one PostgreSQL database. Callable from any thread; blocks on disk,
    network and other writers, each for a bounded time."""

    def __init__(self, where: Path | PostgresUrl) -> None:
        """Open it, or make it; an older schema is brought up to date. Raises StoreError."""
        self.shared = isinstance(where, PostgresUrl)
        """Other servers may work in it at the same time."""
        self.on_transaction: OnTransaction | None = None
        self._writer = threading.Lock()
        file = None if isinstance(where, PostgresUrl) else where
        if isinstance(where, PostgresUrl):
            self._engine = postgres_engine(where)
        else:
            make_private(where)
            self._engine = sqlite_engine(where)
        try:
            self.generation = prepare(self.read, self.write, file)
        except StoreError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise StoreError(f"The store {where} can't be opened: {_words(error)}.") from error

    def write(self) -> AbstractContextManager[Connection]:
        """One transaction that may change things; on disk when the block has ended, undone when it raises.

        On PostgreSQL each statement sees what was committed before it, so lock the rows that decide
        (`find(lock=True)`). Raises TransactionLostError when the database undid it, which is for `repeated`,
        and CommitUnknownError.
        """
        begun = transaction(self._engine, writes=True) if self.shared else self._write_file()
        return begun if self.on_transaction is None else _timed(begun, "write", self.on_transaction)

    @contextmanager
    def _write_file(self) -> Iterator[Connection]:
        # Writers wait here in turn rather than in SQLite's polling.
        with self._writer, self._engine.connect() as plain:
            connection = plain.execution_options(trainstop_writes=True)
            with connection.begin():
                yield connection

    def read(self) -> AbstractContextManager[Connection]:
        """One transaction that sees one moment. Waits for no writer."""
        begun = transaction(self._engine, writes=False) if self.shared else self._read_file()
        return begun if self.on_transaction is None else _timed(begun, "read", self.on_transaction)

    @contextmanager
    def _read_file(self) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _timed(
    begun: AbstractContextManager[Connection], kind: Literal["read", "write"], told: OnTransaction
) -> Iterator[Connection]:
    begin, failed = time.monotonic(), False
    try:
        with begun as connection:
            yield connection
    except (SQLAlchemyError, StoreError):
        failed = True
        raise
    finally:
        told(kind, time.monotonic() - begin, failed=failed)


def _words(error: Exception) -> str:
    """What the driver said, without the statement."""
    said = error.orig if isinstance(error, SQLAlchemyError) and hasattr(error, "orig") else error
    return str(said).strip().rstrip(".")
