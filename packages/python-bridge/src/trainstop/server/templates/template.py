from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainstop.server.templates.param import Param, ParamError, Value

PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_-]{1,64})\}")
PYTHON = "python"
"""`{python}` stands for the interpreter that the server runs on."""


@dataclass(frozen=True, slots=True)
class Template:
    """A command that may be started, with holes for parameters."""

    id: str
    title: str
    description: str | None
    command: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    params: Mapping[str, Param]
    best_metric: str | None = None
    """By which a checkpoint is the best, where the script itself names none."""
    best_mode: str = "min"

    def values(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Every parameter's value: as given, else its default. Raises ParamError."""
        for name in given:
            if name not in self.params:
                known = ", ".join(self.params) or "none"
                raise ParamError(name, f"There is no parameter {name}; this template has: {known}.")
        values = {}
        for name, param in self.params.items():
            if name in given:
                values[name] = param.check(given[name])
            elif param.default is not None:
                values[name] = param.default
            else:
                raise ParamError(name, f"The parameter {name} is missing; it has no default.")
        return values

    def argv(self, values: Mapping[str, Value], python: str) -> list[str]:
        """The command with its holes filled, one word staying one word. Raises ParamError."""
        words = {PYTHON: python}
        words |= {name: param.word(values[name]) for name, param in self.params.items()}
        argv = []
        for item in self.command:
            self._refuse_option(item, words)
            argv.append(PLACEHOLDER.sub(lambda match: words[match[1]], item))
        return argv

    def wire(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "params": [param.wire() for param in self.params.values()],
        }

    def _refuse_option(self, item: str, words: Mapping[str, str]) -> None:
        """A text that a word of the command begins with could pass for one of the program's options."""
        begin = 0
        while (hole := PLACEHOLDER.match(item, begin)) is not None and words[hole[1]] == "":
            begin = hole.end()
        if hole is None or hole[1] not in self.params:
            return
        if self.params[hole[1]].type == "string" and words[hole[1]].startswith("-"):
            raise ParamError(hole[1], f'The parameter {hole[1]} must not begin with "-".')
