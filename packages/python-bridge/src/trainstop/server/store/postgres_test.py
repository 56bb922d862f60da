"""What only a database on the other side of a connection can do to a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import Connection, event, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from trainstop.server.conftest import new_postgres, postgres
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.repeated import TRIES, repeated
from trainstop.server.store.store_error import CommitUnknownError, TransactionLostError


@pytest.fixture
def url() -> str:
    return postgres().new_database()


def put(connection: Connection, key: str, value: str = "") -> None:
    connection.execute(insert(tables.meta).values(key=key, value=value))


def has(database: Database, key: str) -> bool:
    with database.read() as connection:
        found = select(tables.meta.c.key).where(tables.meta.c.key == key)
        return connection.execute(found).first() is not None


def cut(url: str) -> None:
    """End every other connection to the database, as a restart or a proxy does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_no_transaction_waits_forever_and_nothing_is_left_on_a_poolers_connection(url: str) -> None:
    database = Database(PostgresUrl(url))

    def settings(connection: Connection) -> list[str]:
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        shown = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]
        isolation = connection.execute(text("SHOW transaction_isolation")).scalar_one()
        return [*shown, isolation, connection.execute(text("SHOW transaction_read_only")).scalar_one()]

    with database.read() as connection:
        assert settings(connection) == ["10s", "30s", "1min", "repeatable read", "on"]
    with database.write() as connection:
        assert settings(connection) == ["10s", "30s", "1min", "read committed", "off"]
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
        driver = connection.connection.dbapi_connection
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        for _ in range(20):
            connection.execute(select(tables.meta).where(tables.meta.c.key == "generation"))
        prepared = connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = :pid"
        assert (prepared, connection.execute(text(locks), {"pid": pid}).scalar_one()) == (0, 0)
    assert driver is not None
    left = driver.execute("SHOW lock_timeout").fetchone()
    assert left == ("0",), "the limits were the transaction's own"
    database.close()


def test_after_a_restart_of_the_database_the_next_transaction_is_served() -> None:
    own = new_postgres()
    try:
        database = Database(PostgresUrl(own.new_database()))
        own.stop()
        with pytest.raises(TransactionLostError, match=r"can't be reached|broke"), database.read():
            raise AssertionError("there is nothing to read")
        own.start()
        with database.write() as connection:
            put(connection, "after")
        assert has(database, "after")
        database.close()
    finally:
        own.remove()


def test_a_connection_cut_before_the_commit_leaves_nothing_and_may_be_asked_again(url: str) -> None:
    database = Database(PostgresUrl(url))
    tried = []

    @repeated
    def write() -> None:
        with database.write() as connection:
            tried.append(1)
            put(connection, f"try {len(tried)}")
            if len(tried) == 1:
                cut(url)
                put(connection, "more")

    write()
    assert [has(database, key) for key in ("try 1", "more", "try 2")] == [False, False, True]
    database.close()


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_whose_answer_is_lost_is_never_told_as_done_nor_repeated(url: str, arrives: bool) -> None:
    database = Database(PostgresUrl(url))
    tried = []

    def lose_the_answer(connection: Connection) -> None:
        if arrives:
            connection.connection.dbapi_connection.execute("COMMIT")  # type: ignore[union-attr]
            connection.connection.dbapi_connection.execute("BEGIN")  # type: ignore[union-attr]
        cut(url)

    @repeated
    def write() -> None:
        with database.write() as connection:
            tried.append(1)
            put(connection, "once")

    event.listen(database._engine, "commit", lose_the_answer)
    with pytest.raises(CommitUnknownError, match="only another look can tell"):
        write()
    event.remove(database._engine, "commit", lose_the_answer)
    assert has(database, "once") == arrives
    assert tried == [1]
    database.close()


def locked(connection: Connection, key: str) -> None:
    connection.execute(select(tables.meta).where(tables.meta.c.key == key).with_for_update())


def test_two_that_wait_for_each_other_both_get_there(url: str) -> None:
    database = Database(PostgresUrl(url))
    with database.write() as connection:
        put(connection, "a", "0")
        put(connection, "b", "0")
    both_hold_one = threading.Barrier(2)
    tried = []

    def crossing(first: str, second: str) -> Callable[[], None]:
        met = threading.Event()

        @repeated
        def work() -> None:
            tried.append(1)
            with database.write() as connection:
                locked(connection, first)
                if not met.is_set():
                    met.set()
                    both_hold_one.wait(60)
                locked(connection, second)
                for key in (first, second):
                    value = select(tables.meta.c.value).where(tables.meta.c.key == key)
                    more = str(int(connection.execute(value).scalar_one()) + 1)
                    connection.execute(update(tables.meta).where(tables.meta.c.key == key).values(value=more))

        return work

    threads = [threading.Thread(target=crossing(*pair)) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        rows = connection.execute(select(tables.meta).where(tables.meta.c.key.in_(["a", "b"])))
        assert {row.key: row.value for row in rows} == {"a": "2", "b": "2"}
    assert len(tried) == 3, "one was undone, and came again"
    database.close()


def test_what_never_gets_through_is_tried_so_often_and_no_more() -> None:
    tried = []

    @repeated
    def never() -> None:
        tried.append(1)
        raise TransactionLostError("no")

    with pytest.raises(TransactionLostError):
        never()
    assert len(tried) == TRIES


def test_what_the_block_did_wrong_is_told_as_it_is(url: str) -> None:
    database = Database(PostgresUrl(url))
    with pytest.raises(ProgrammingError), database.write() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        put(connection, "undone")
        raise ZeroDivisionError
    assert not has(database, "undone")
    database.close()


def test_words_that_no_database_can_hold_arrive_with_a_mark_in_their_place(url: str) -> None:
    database = Database(PostgresUrl(url))
    with database.write() as connection:
        put(connection, "words", "a\0b \ud800 \N{GRINNING FACE}")
    with database.read() as connection:
        found = select(tables.meta.c.value).where(tables.meta.c.key == "words")
        assert connection.execute(found).scalar_one() == "a\ufffdb \ufffd \N{GRINNING FACE}"
    database.close()
