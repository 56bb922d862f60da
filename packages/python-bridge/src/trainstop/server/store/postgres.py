"""The store in a PostgreSQL, directly or behind a pooler that lends a connection for one transaction.

So nothing here outlives a transaction on the other side: no prepared statements, no session settings, no
locks but a transaction's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.store_error import CommitUnknownError, StoreError, TransactionLostError

CONNECT_SECONDS = 10
LOCK_SECONDS = 10
"""How long a transaction waits for another one's rows."""
STATEMENT_SECONDS = 30
IDLE_SECONDS = 60
"""A transaction whose server froze holds its rows no longer than this."""
SILENCE_SECONDS = 20
"""After which a connection whose other end says nothing is given up."""

_LIMITS = (
    f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; "
    f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'; "
    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
)
# With the limits in one message: one round trip.
_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"
_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_LIMITS}; SET LOCAL synchronous_commit = on"

_UNDONE_BY_THE_DATABASE = {
    "40001": "it collided with another",
    "40P01": "it and another waited for each other",
    "55P03": "a row stayed locked by another",
    "23505": "another was first with the same key",
    "57P01": "the database is being shut down",
    "57P02": "the database was stopped",
    "57P03": "the database is not ready",
    "53300": "the database has no connection left",
    "25P03": "it was idle for too long",
}
"""SQLSTATE → why. Such a transaction left nothing behind and may fare better next time."""
_BROKEN = "08"
"""Class of the SQLSTATEs of broken connections."""


def postgres_engine(url: PostgresUrl) -> Engine:
    """Connects to nothing yet. Raises StoreError when the driver is missing."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise StoreError(
            'PostgreSQL\'s driver is not installed; install it with: pip install "trainstop[postgres]"'
        ) from None
    engine = create_engine(
        url.reveal(),
        connect_args={
            "autocommit": True,  # transactions begin where we say so
            "prepare_threshold": None,  # a pooler would lose them
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 5,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": SILENCE_SECONDS * 1000,
            "application_name": "trainstop",
        },
        use_native_hstore=False,
        pool_size=4,
        max_overflow=16,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,  # connections of before a restart of the database are replaced unseen
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(_WRITE if options.get("trainstop_writes") else _READ)

    return engine


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """Raises TransactionLostError or CommitUnknownError for what the database did to it, and as it came
    what the block did wrong."""
    try:
        connection = engine.connect()
    except (DBAPIError, NoConnectionError) as error:
        raise TransactionLostError(f"The store can't be reached: {_words(error)}") from error
    committing = False
    try:
        connection = connection.execution_options(trainstop_writes=writes)
        begun = connection.begin()
        try:
            yield connection
        except BaseException:
            _undo(connection)
            raise
        committing = writes
        begun.commit()
    except DBAPIError as error:
        raise _what_became_of_it(error, committing=committing) from error
    finally:
        connection.close()


def _undo(connection: Connection) -> None:
    try:
        connection.rollback()
    except DBAPIError:
        connection.invalidate()  # broken, and with it the transaction


def _what_became_of_it(error: DBAPIError, *, committing: bool) -> Exception:
    state = getattr(error.orig, "sqlstate", None)
    if committing and (state is None or state.startswith((_BROKEN, "57P"))):
        return CommitUnknownError(
            "The connection to the store broke while something was being committed; whether it was, only "
            "another look can tell."
        )
    if state in _UNDONE_BY_THE_DATABASE:
        return TransactionLostError(f"A transaction was undone: {_UNDONE_BY_THE_DATABASE[state]}.")
    if error.connection_invalidated or (state or "").startswith(_BROKEN):
        return TransactionLostError(f"The connection to the store broke: {_words(error)}")
    return error


def _words(error: Exception) -> str:
    """The first line of what the driver says; it knows the password, but never says it."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__
