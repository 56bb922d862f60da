from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from trainstop.server.configuration.configuration import SECTIONS, Configuration
from trainstop.server.configuration.effective import effective
from trainstop.server.configuration.reference import reference
from trainstop.server.configuration.section import Section
from trainstop.server.configuration.store_section import StoreSection
from trainstop.server.configuration.toml import toml_key, toml_value

PAGE = Path(__file__).parents[6] / "docs" / "configuration.md"


def test_the_page_is_what_the_sections_say() -> None:
    """If not: python -m trainstop.server.configuration.reference ../../docs/configuration.md"""
    assert PAGE.read_text("utf-8") == reference()


@pytest.mark.parametrize("section", SECTIONS.values(), ids=list(SECTIONS))
def test_every_key_has_a_default_and_a_description(section: type[Section]) -> None:
    for key, field in section.model_fields.items():
        assert field.description and field.description.endswith("."), key
        assert not field.is_required(), key


def test_each_section_is_a_field_of_the_configuration() -> None:
    assert {*SECTIONS, "templates"} == set(Configuration.__dataclass_fields__)


values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.text(), values)
def test_what_is_written_as_toml_is_read_as_it_was(key: str, value: Any) -> None:
    assert tomllib.loads(f"{toml_key(key)} = {toml_value(value)}") == {key: value}


def test_the_effective_configuration_of_no_file_is_all_defaults() -> None:
    read = tomllib.loads(effective(Configuration()))
    assert list(read) == list(SECTIONS)
    assert read["log"] == {"format": "text", "level": "info"}


def test_a_secret_is_not_printed() -> None:
    url = SecretStr("postgresql://me:pass-word@host/jobs")
    printed = effective(Configuration(store=StoreSection(url=url)))
    assert 'url = "(hidden)"' in printed and "pass-word" not in printed
