from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from trainstop.server.control_characters import has_control_characters

ParamType = Literal["integer", "number", "string", "boolean", "choice"]
PARAM_TYPES: tuple[str, ...] = get_args(ParamType)
Value = str | int | float | bool
Numeric = TypeVar("Numeric", int, float)


class ParamError(ValueError):
    """A value that a parameter does not take. `str(error)` is one plain sentence."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a template."""

    name: str
    type: ParamType
    title: str
    default: Value | None = None
    """None: it must be given."""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None

    def check(self, value: Any) -> Value:
        """The value, if it is one of this parameter. Raises ParamError."""
        match self.type:
            case "integer":
                return self._in_range(self._whole(value))
            case "number":
                return self._in_range(self._number(value))
            case "boolean":
                if not isinstance(value, bool):
                    raise self._error("must be true or false")
                return value
            case "choice":
                if value not in (self.choices or ()):
                    raise self._error(f"must be one of {', '.join(self.choices or ())}")
                return str(value)
            case "string":
                return self._text(value)

    def word(self, value: Value) -> str:
        """The value as it stands in the command."""
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def wire(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "title": self.title,
            "default": self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "choices": None if self.choices is None else list(self.choices),
        }

    def _whole(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)  # JSON knows one kind of number
        if isinstance(value, bool) or not isinstance(value, int) or not _fits(value):
            raise self._error("must be a whole number")
        return value

    def _number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not _fits(value):
            raise self._error("must be a number")
        return value

    def _in_range(self, value: Numeric) -> Numeric:
        if self.minimum is not None and value < self.minimum:
            raise self._error(f"must be {self.minimum:g} or more")
        if self.maximum is not None and value > self.maximum:
            raise self._error(f"must be {self.maximum:g} or less")
        return value

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self._error("must be a text")
        if has_control_characters(value):
            raise self._error("must not contain control characters")
        return value

    def _error(self, what: str) -> ParamError:
        return ParamError(self.name, f"The parameter {self.name} {what}.")


def _fits(value: float) -> bool:
    """Whether it is finite as a float too: JSON's whole numbers may be of any length."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
