"""Where a PostgreSQL is, without ever showing its password."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from trainstop.server.store.store_error import StoreError

_SCHEMES = ("postgresql", "postgres")


class PostgresUrl:
    """`str` and `repr` show no password, nor any option of the URL, where one may hide."""

    __slots__ = ("_url",)

    def __init__(self, text: str) -> None:
        """`postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS`, options being libpq's.

        Raises StoreError, which quotes nothing of it.
        """
        try:
            url = make_url(text.strip())
        except (ArgumentError, ValueError):  # from None: their words quote the URL
            raise StoreError(
                "The store's URL can't be understood; it is written "
                "postgresql://USER:PASSWORD@HOST/DATABASE, with %40 for an @ in the password."
            ) from None
        if url.drivername not in _SCHEMES:
            raise StoreError(
                "The store's URL must begin with postgresql://; without a URL the store is a file in the "
                "data directory."
            )
        if not url.database:
            raise StoreError("The store's URL names no database; add it at its end, as in …HOST/trainstop.")
        self._url = url.set(drivername="postgresql+psycopg")

    def reveal(self) -> URL:
        """With its password: for the driver alone."""
        return self._url

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must appear nowhere."""
        passwords = (self._url.password, self._url.query.get("password"))
        return tuple(each for each in passwords if isinstance(each, str) and each)

    def __str__(self) -> str:
        place = self._url.host or "the local socket"
        port = f":{self._url.port}" if self._url.port else ""
        return f"PostgreSQL database {self._url.database} on {place}{port}"

    def __repr__(self) -> str:
        return f"PostgresUrl({self})"
