"""Where the store is: a file in the data directory, or the PostgreSQL that the operator names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainstop.server.configuration.configuration_error import ConfigurationError
from trainstop.server.configuration.store_section import StoreSection
from trainstop.server.store.postgres_url import PostgresUrl

DATABASE_NAME = "trainstop.db"
VARIABLE = "TRAINSTOP_STORE_URL"
LIBPQ_PASSWORD = "PGPASSWORD"
"""Where PostgreSQL's own library takes a password from when the URL has none."""


def store_place(section: StoreSection, environment: Mapping[str, str], data_dir: Path) -> Path | PostgresUrl:
    """Raises ConfigurationError or StoreError, neither of which quotes the URL."""
    url = environment.get(VARIABLE)
    if not url and section.url is not None:
        url = section.url.get_secret_value()
    if not url and section.url_file is not None:
        url = _first_line(Path(section.url_file))
    return PostgresUrl(url) if url else data_dir / DATABASE_NAME


def secrets_of(place: Path | PostgresUrl, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What must appear in no log, and in no job's environment."""
    if isinstance(place, Path):
        return ()
    password = environment.get(LIBPQ_PASSWORD)
    return (*place.secrets, *([password] if password else []))


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text("utf-8").split("\n", 1)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"store.url_file: {path} can't be read: {why}.") from None
    if not lines[0].strip():
        raise ConfigurationError(f"store.url_file: {path} is empty; write the store's URL into it.")
    return lines[0].strip()
