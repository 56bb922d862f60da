"""The configuration that holds, defaults and all, as a file that says the same."""

from __future__ import annotations

from pydantic import SecretStr

from trainstop.server.configuration.configuration import SECTIONS, Configuration
from trainstop.server.configuration.section import Section
from trainstop.server.configuration.toml import toml_key, toml_value
from trainstop.server.templates.param import Param
from trainstop.server.templates.template import Template

HIDDEN = "(hidden)"


def effective(configuration: Configuration) -> str:
    """TOML. What is secret is not shown; a key without a value is a comment."""
    parts = []
    for name in SECTIONS:
        parts.append("\n".join([f"[{name}]", *_lines(getattr(configuration, name))]))
    for id_, template in configuration.templates.items():
        parts.extend(_template(id_, template))
    return "\n\n".join(parts) + "\n"


def _lines(section: Section) -> list[str]:
    lines = []
    for key in type(section).model_fields:
        value = getattr(section, key)
        if value is None:
            lines.append(f"# {key} is not set")
        elif isinstance(value, SecretStr):
            lines.append(f"{key} = {toml_value(HIDDEN)}")
        else:
            lines.append(f"{key} = {toml_value(value)}")
    return lines


def _template(id_: str, template: Template) -> list[str]:
    names = ("title", "description", "command", "cwd", "env", "best_metric", "best_mode")
    values = {name: getattr(template, name) for name in names}
    key = f"templates.{toml_key(id_)}"
    tables = [_table(key, values)]
    tables.extend(
        _table(f"{key}.params.{toml_key(name)}", _param(param)) for name, param in template.params.items()
    )
    return tables


def _param(param: Param) -> dict[str, object]:
    names = ("type", "title", "default", "minimum", "maximum", "choices")
    return {name: getattr(param, name) for name in names}


def _table(key: str, values: dict[str, object]) -> str:
    lines = [f"{toml_key(name)} = {toml_value(value)}" for name, value in values.items() if value is not None]
    return "\n".join([f"[{key}]", *lines])
