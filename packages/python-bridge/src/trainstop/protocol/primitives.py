"""The small types that everything on the wire is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
"""Every id on the wire (job, command, template, checkpoint). Anything else is "not found"."""

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest whole number that JavaScript holds exactly."""


def _is_true(value: object) -> object:
    if value is not True:  # Literal[True] alone takes 1
        raise ValueError("Input should be true")
    return value


def _is_false(value: object) -> object:
    if value is not False:
        raise ValueError("Input should be false")
    return value


Id = Annotated[str, Field(pattern=ID_PATTERN)]
Timestamp = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$")
]
"""RFC 3339 in UTC."""
Integer = Annotated[int, Field(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
Count = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]
Attempt = Annotated[int, Field(ge=1, le=MAX_SAFE_INTEGER)]
Number = int | Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Yes = Annotated[Literal[True], BeforeValidator(_is_true)]
No = Annotated[Literal[False], BeforeValidator(_is_false)]
Seconds = NonNegative
"""A duration, as every field ending in `_seconds`."""


class WireModel(BaseModel):
    """As strict as the zod schemas: no value is converted, keys that a newer version adds are passed over."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, populate_by_name=False)
