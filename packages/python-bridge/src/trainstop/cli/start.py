"""`trainstop start`"""

from __future__ import annotations

import argparse
import json
from typing import Any

from trainstop.cli.client import connect
from trainstop.cli.command import Command
from trainstop.cli.completion_words import TEMPLATES as TEMPLATE_WORDS
from trainstop.cli.job_choice import label
from trainstop.cli.json_option import add_json_option
from trainstop.cli.plain_error import MISUSED, PlainError
from trainstop.cli.run import follow_to_the_end
from trainstop.cli.screen import Screen
from trainstop.cli.server_choice import add_server_options


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    argument = parser.add_argument("template", metavar="TEMPLATE", help="its id (trainstop templates)")
    argument.complete = TEMPLATE_WORDS  # type: ignore[attr-defined]
    parser.add_argument(
        "--param", action="append", default=[], metavar="K=V", help="a parameter; may be repeated"
    )
    parser.add_argument("--name", metavar="N", help="the job's name (default: the template's title)")
    parser.add_argument("--follow", action="store_true", help="show its output to the end, as run does")
    add_json_option(parser, "the new job's wire object as JSON")
    add_server_options(parser)


def _run(options: argparse.Namespace) -> int:
    screen, client = Screen(), connect(options)
    templates = {each["id"]: each for each in client.get("/capabilities")["templates"]}
    template = templates.get(options.template)
    if template is None:
        known = ", ".join(templates) or "none"
        raise PlainError(f"There is no template {options.template!r}; this server has: {known}.")
    types = {param["name"]: param["type"] for param in template["params"]}
    body: dict[str, Any] = {
        "template": options.template,
        "params": dict(_param(text, types) for text in options.param),
    }
    if options.name is not None:
        body["name"] = options.name
    job = client.post("/jobs", body)["job"]
    if options.json:
        screen.json(job)
        return 0
    screen.line(f"Started {label(job)}.")
    if options.follow:
        return follow_to_the_end(screen, client, job)
    screen.line(f"  follow it with: trainstop logs -f {job['id']}")
    return 0


def _param(text: str, types: dict[str, str]) -> tuple[str, Any]:
    """As its template's type has it; what that does not take, the server refuses in words."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise PlainError(f"{text!r} is no parameter; write it as --param NAME=VALUE.", MISUSED)
    if types.get(name) in ("integer", "number", "boolean"):
        try:
            parsed = json.loads(value)
        except ValueError:
            return name, value
        if isinstance(parsed, int | float):
            return name, parsed
    return name, value


START = Command(
    "start",
    "start a template",
    "Start a job from one of the server's templates.",
    _add_arguments,
    _run,
)
