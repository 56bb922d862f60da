"""`[templates.*]`: what may be started, every key of it checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from trainstop.protocol.primitives import ID_PATTERN
from trainstop.server.configuration.configuration_error import ConfigurationError
from trainstop.server.templates.param import PARAM_TYPES, Param, ParamError
from trainstop.server.templates.template import PLACEHOLDER, PYTHON, Template

_KEYS = ("title", "description", "command", "cwd", "env", "params", "best_metric", "best_mode")


class TemplatesReader:
    def __init__(self, path: Path) -> None:
        """`path`: the file, which messages name and relative directories are relative to."""
        self._path = path

    def templates(self, table: dict[str, Any]) -> dict[str, Template]:
        templates = self._table(table, "templates", "templates")
        return {name: self._template(name, templates[name]) for name in templates}

    def _template(self, name: str, table: Any) -> Template:
        key = f"templates.{name}"
        self._id(name, key)
        if not isinstance(table, dict):
            raise self._error(key, f'must be a table; write it as [templates.{name}] with "command" in it')
        self._only(table, key, _KEYS)
        params = self._table(table, "params", f"{key}.params")
        template = Template(
            id=name,
            title=self._text(table, "title", f"{key}.title", name),
            description=self._text(table, "description", f"{key}.description", None),
            command=tuple(self._texts(table, "command", f"{key}.command", None)),
            cwd=self._cwd(table, key),
            env=self._env(table, key),
            best_metric=self._text(table, "best_metric", f"{key}.best_metric", None),
            best_mode=self._best_mode(table, f"{key}.best_mode"),
            params={param: self._param(f"{key}.params.{param}", param, params[param]) for param in params},
        )
        self._holes(template, f"{key}.command")
        return template

    def _best_mode(self, table: dict[str, Any], key: str) -> str:
        mode = table.get("best_mode", "min")
        if mode not in ("min", "max"):
            raise self._error(key, "must be min (less is better) or max")
        return str(mode)

    def _holes(self, template: Template, key: str) -> None:
        if not template.command or not template.command[0]:
            raise self._error(key, "must be a list of words, the program first")
        named = {name for item in template.command for name in PLACEHOLDER.findall(item)}
        for name in sorted(named - template.params.keys() - {PYTHON}):
            raise self._error(key, f"names {{{name}}}, which is no parameter; describe it under params")
        for name in sorted(template.params.keys() - named):
            raise self._error(key, f"never uses the parameter {name}; put {{{name}}} into it")

    def _cwd(self, table: dict[str, Any], key: str) -> str:
        text = self._text(table, "cwd", f"{key}.cwd", ".") or "."
        cwd = (self._path.resolve().parent / Path(text).expanduser()).resolve()
        if not cwd.is_dir():
            raise self._error(f"{key}.cwd", f"must be a directory (relative to this file); {cwd} is none")
        return str(cwd)

    def _env(self, table: dict[str, Any], key: str) -> dict[str, str]:
        env = self._table(table, "env", f"{key}.env")
        for name, value in env.items():
            if not isinstance(value, str) or "\0" in value or not name or "=" in name:
                raise self._error(f"{key}.env.{name}", 'must be a text; put numbers in quotes, as in X = "1"')
            if name.startswith("TRAINSTOP_"):
                raise self._error(f"{key}.env.{name}", "is set by Trainstop itself; take it out")
        return env

    def _param(self, key: str, name: str, table: Any) -> Param:
        self._id(name, key)
        if name == PYTHON:
            raise self._error(key, "has a name that is taken: {python} is the server's interpreter")
        if not isinstance(table, dict):
            raise self._error(key, "must be a table with a type")
        self._only(table, key, ("type", "title", "default", "minimum", "maximum", "choices"))
        type_ = table.get("type")
        if type_ not in PARAM_TYPES:
            raise self._error(f"{key}.type", f"must be one of {', '.join(PARAM_TYPES)}")
        choices = self._texts(table, "choices", f"{key}.choices", []) if "choices" in table else None
        if (type_ == "choice") != bool(choices):
            raise self._error(f"{key}.choices", 'must list the choices, for the type "choice" and no other')
        for bound in ("minimum", "maximum"):
            value = table.get(bound)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise self._error(f"{key}.{bound}", "must be a number")
            if type_ not in ("integer", "number"):
                raise self._error(f"{key}.{bound}", "is for integer and number parameters only; take it out")
        param = Param(
            name=name,
            type=type_,
            title=self._text(table, "title", f"{key}.title", name) or name,
            minimum=table.get("minimum"),
            maximum=table.get("maximum"),
            choices=None if choices is None else tuple(choices),
        )
        if "default" not in table:
            return param
        try:
            default = param.check(table["default"])
        except ParamError as error:
            raise self._error(f"{key}.default", f"is no value of its own parameter: {error}") from None
        return Param(name, type_, param.title, default, param.minimum, param.maximum, param.choices)

    def _table(self, table: dict[str, Any], name: str, key: str) -> dict[str, Any]:
        value = table.get(name, {})
        if not isinstance(value, dict):
            raise self._error(key, "must be a table")
        return value

    def _text(self, table: dict[str, Any], name: str, key: str, default: Any) -> Any:
        value = table.get(name, default)
        if value is not default and (not isinstance(value, str) or not value):
            raise self._error(key, "must be a text that is not empty")
        return value

    def _texts(self, table: dict[str, Any], name: str, key: str, default: list[str] | None) -> list[str]:
        value = table.get(name, default)
        if not isinstance(value, list) or not all(
            isinstance(item, str) and "\0" not in item for item in value
        ):
            raise self._error(key, 'must be a list of texts, as in ["a", "b"]')
        return value

    def _id(self, name: str, key: str) -> None:
        if not re.fullmatch(ID_PATTERN.strip("^$"), name):
            raise self._error(
                key, "has a name with other characters than letters, digits, _ and -, or over 64"
            )

    def _only(self, table: dict[str, Any], key: str, known: tuple[str, ...]) -> None:
        for name in table:
            if name not in known:
                where = f"{key}.{name}" if key else name
                raise self._error(where, f"is not known; known here: {', '.join(known)}")

    def _error(self, key: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}: {key} {what.rstrip('.')}.")
