"""One table of the configuration file: a pydantic model, whose complaints become sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from trainstop.server.configuration.configuration_error import ConfigurationError
from trainstop.server.configuration.nearest import not_known


class Section(BaseModel):
    """Every key has a default, a type that is not converted, and a description for the documentation."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


S = TypeVar("S", bound=Section)

_SENTENCES = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text that is not empty",
    "string_too_short": "must be a text that is not empty",
    "bool_type": "must be true or false",
    "list_type": 'must be a list of texts, as in ["a", "b"]',
    "tuple_type": 'must be a list of texts, as in ["a", "b"]',
    "model_type": "must be a table",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "greater_than": "must be more than {gt}",
    "literal_error": "must be {expected}",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "is not written as it must be ({pattern})",
}


def read_section(path: Path, name: str, model: type[S], table: Any) -> S:
    """Raises ConfigurationError that names the file, the first wrong key, and what it must be."""
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{path}: {name} must be a table.")
    # TOML has lists where models have tuples.
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join([name, *(str(part) for part in first["loc"] if isinstance(part, str))])
        raise ConfigurationError(f"{path}: {key} {_what_is_wrong(model, first)}.") from None


def _what_is_wrong(model: type[Section], error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return not_known(str(error["loc"][-1]), model.model_fields)
    if error["type"] == "value_error":  # a validator of our own, which says it itself
        return str(error["ctx"]["error"])
    if any(isinstance(part, int) for part in error["loc"]):  # one item of a list
        return 'must be a list of texts, as in ["a", "b"]'
    return _SENTENCES.get(error["type"], "has a value that it does not take").format_map(error.get("ctx", {}))
