from __future__ import annotations

import pytest

from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.store_error import StoreError

SECRET = "s3cret/word"
URL = "postgresql://ada:s3cret%2Fword@127.0.0.1:1/trainstop?password=s3cret%2Fword"


def test_its_password_shows_nowhere() -> None:
    url = PostgresUrl(URL)
    assert f"{url} {url!r}" == (
        "PostgreSQL database trainstop on 127.0.0.1:1 "
        "PostgresUrl(PostgreSQL database trainstop on 127.0.0.1:1)"
    )
    assert set(url.secrets) == {SECRET}
    with pytest.raises(StoreError) as error:
        Database(url)
    assert "trainstop on 127.0.0.1:1 can't be opened" in str(error.value) or "reached" in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("postgresql://ada:s3cret@h:port/x", "can't be understood"),
        ("s3cret", "can't be understood"),
        ("mysql://ada:s3cret@h/x", "must begin with postgresql://"),
        ("postgresql://ada:s3cret@h", "names no database"),
    ],
)
def test_what_is_wrong_with_it_is_told_without_quoting_it(text: str, why: str) -> None:
    with pytest.raises(StoreError, match=why) as error:
        PostgresUrl(text)
    assert "s3cret" not in str(error.value)
    assert error.value.__cause__ is None


def test_the_short_scheme_is_taken_too() -> None:
    assert PostgresUrl("postgres://h/x").reveal().drivername == "postgresql+psycopg"
