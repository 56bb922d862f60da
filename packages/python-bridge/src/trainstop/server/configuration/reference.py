"""docs/configuration.md, written from the sections themselves:
`python -m trainstop.server.configuration.reference ../../docs/configuration.md`."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from trainstop.server.configuration.configuration import SECTIONS
from trainstop.server.configuration.section import Section
from trainstop.server.configuration.toml import toml_value

_HEAD = "| key | type | default | meaning |\n|---|---|---|---|\n"

_BEGINNING = """\
# Configuration

<!-- Written by `python -m trainstop.server.configuration.reference`; edit the sections in
     packages/python-bridge/src/trainstop/server/configuration. -->

One TOML file, given to `trainstop serve --config FILE`. Every key has a default, and without a file all of
them hold. A key or a value that is not known is refused at the start, with its name and the nearest known
one. `trainstop config --config FILE` prints what holds, `trainstop config --check FILE` says whether a file
is good and changes nothing. The file is read once, at the start.
"""

_TEMPLATES = """
## `[templates.NAME]`
What may be started through `POST /jobs`: argv only, never a shell. Without a template nothing can be.

| key | type | default | meaning |
|---|---|---|---|
| `command` | list of texts | needed | The program and its words. `{python}` is the server's own interpreter, `{param}` the value of a parameter; each word stays one word, and none that begins with a string parameter may become an option (`-…`); what a program itself makes of a text (`@file`, a path) is for the template's author to judge |
| `title` | text | its name | For people |
| `description` | text | none | For people |
| `best_metric` | text | none | The metric by which a checkpoint is the best, where the script itself names none |
| `best_mode` | `"min"` or `"max"` | `"min"` | Whether less of it is better, or more |
| `cwd` | text | `"."` | Where it runs; relative to this file |
| `env` | table of texts | `{}` | Added to the server's own environment, from which `TRAINSTOP_…` and the server's own secrets are taken, and nothing else: a cloud's credentials go along |

`[templates.NAME.params.PARAM]`, one for each `{param}`:

| key | type | default | meaning |
|---|---|---|---|
| `type` | `"integer"`, `"number"`, `"string"`, `"boolean"` or `"choice"` | needed | What a value must be |
| `title` | text | its name | For people |
| `default` | of its type | none: it must be given | The value when none is given |
| `minimum`, `maximum` | number | none | Of integers and numbers |
| `choices` | list of texts | | Of a choice, and needed there |
"""  # noqa: E501


def reference() -> str:
    """The whole page."""
    parts = [_BEGINNING]
    for name, section in SECTIONS.items():
        parts.append(f"\n## `[{name}]`\n{_introduction(section)}{_HEAD}")
        parts.extend(_row(key, field) for key, field in section.model_fields.items())
    return "".join([*parts, _TEMPLATES])


def _introduction(section: type[Section]) -> str:
    own = section.__dict__.get("__doc__")
    return f"{' '.join(own.split())}\n\n" if own else ""


def _row(key: str, field: FieldInfo) -> str:
    default = "not set" if field.default is None else f"`{toml_value(field.default)}`"
    meaning = (field.description or "").rstrip(".").replace("|", "\\|")
    return f"| `{key}` | {_type(field.annotation)}{_bounds(field)} | {default} | {meaning} |\n"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        words = [toml_value(value) for value in arguments]
        return " or ".join(f"`{word}`" for word in words)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return f"list of {_type(arguments[0])}s"
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    return names.get(annotation, "text")


def _bounds(field: FieldInfo) -> str:
    said = []
    for bound in field.metadata:
        if isinstance(bound, Ge):
            said.append(f"{bound.ge:g} or more")
        elif isinstance(bound, Gt):
            said.append(f"more than {bound.gt:g}")
        elif isinstance(bound, Le):
            said.append(f"at most {bound.le:g}")
        elif isinstance(bound, Lt):
            said.append(f"less than {bound.lt:g}")
    return f", {', '.join(said)}" if said else ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), "utf-8")
