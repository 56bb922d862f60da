from __future__ import annotations

import re
from pathlib import Path

import pytest

from trainstop.server.app import environment_for_jobs
from trainstop.server.configuration.configuration import read_configuration
from trainstop.server.configuration.configuration_error import ConfigurationError
from trainstop.server.configuration.store_section import StoreSection
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store_place import secrets_of, store_place

URL = "postgresql://ada:s3cret@db:5432/trainstop"


def section(directory: Path, text: str) -> StoreSection:
    path = directory / "trainstop.toml"
    path.write_text(f"[store]\n{text}\n")
    return read_configuration(path).store


def place_of(directory: Path, text: str, **environment: str) -> str:
    return str(store_place(section(directory, text), environment, directory))


def test_it_is_a_file_in_the_data_directory_unless_a_url_is_given(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    there = "PostgreSQL database trainstop on db:5432"
    assert place_of(tmp_path, "") == str(tmp_path / "trainstop.db")
    assert place_of(tmp_path, f'url = "{URL}"') == there
    assert place_of(tmp_path, f'url_file = "{tmp_path}/url"') == there
    other = place_of(tmp_path, f'url = "{URL}"', TRAINSTOP_STORE_URL="postgresql://other/x")
    assert other == "PostgreSQL database x on other"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'url = "{URL}"\nurl_file = "x"', "store gives both url and url_file"),
        ('url_file = "/nowhere/url"', "store.url_file: /nowhere/url can't be read: No such file"),
        ("url = 7", "store.url "),
    ],
)
def test_a_mistake_is_told_without_the_url(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(why)) as error:
        place_of(tmp_path, text)
    assert "s3cret" not in str(error.value)


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty; write the store's URL into it"):
        place_of(tmp_path, f'url_file = "{tmp_path}/url"')


def test_its_password_shows_nowhere_and_no_job_gets_it(tmp_path: Path) -> None:
    assert "s3cret" not in repr(section(tmp_path, f'url = "{URL}"'))
    environment = {"TRAINSTOP_STORE_URL": URL, "DSN": URL, "PGPASSWORD": "0ther", "PATH": "/bin"}
    place = PostgresUrl(URL)
    assert secrets_of(place, environment) == ("s3cret", "0ther")
    assert environment_for_jobs(environment, secrets_of(place, environment)) == {"PATH": "/bin"}
    assert secrets_of(tmp_path, environment) == ()
