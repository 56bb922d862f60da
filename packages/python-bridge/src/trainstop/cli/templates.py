"""`trainstop templates`"""

from __future__ import annotations

import argparse
from typing import Any

from trainstop.cli.client import connect
from trainstop.cli.command import Command
from trainstop.cli.json_option import add_json_option
from trainstop.cli.screen import Cell, Screen
from trainstop.cli.server_choice import add_server_options


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json_option(parser)
    add_server_options(parser)


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    templates = client.get("/capabilities")["templates"]
    if options.json:
        screen.json({"templates": templates})
        return 0
    if not templates:
        screen.note("This server lists no templates; its configuration may (see serve --config).")
    for template in templates:
        screen.line(Cell(template["id"], "bold"), Cell(f"  {template['title']}"))
        if template["description"]:
            screen.line(f"  {template['description']}")
        for param in template["params"]:
            screen.line(f"  --param {param['name']}={_value(param)}")
    return 0


def _value(param: dict[str, Any]) -> str:
    kind = "|".join(param["choices"]) if param["choices"] else param["type"].upper()
    bounds = [
        f"{word} {param[key]:g}"
        for key, word in (("minimum", "from"), ("maximum", "to"))
        if param[key] is not None
    ]
    default = "must be given" if param["default"] is None else f"default {param['default']}"
    notes = ", ".join([param["title"], *([" ".join(bounds)] if bounds else []), default])
    return f"{kind}  {notes}"


TEMPLATES = Command(
    "templates",
    "list what can be started",
    "List the templates that the server's configuration allows to be started, with their parameters.",
    _add_arguments,
    _run,
)
