"""Request bodies: small, JSON, and checked against the protocol."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from trainstop.server.control_characters import has_control_characters
from trainstop.server.routes.answer import RequestError

MAX_BODY_BYTES = 64 * 1024
Model = TypeVar("Model", bound=BaseModel)


async def read_body(
    request: Request, *, limit: int = MAX_BODY_BYTES, control_characters: bool = False
) -> dict[str, Any]:
    """The body's JSON object, of at most `limit` bytes; no body is an empty one. Raises RequestError.

    `control_characters`: whether its texts may hold them.
    """
    data = await _read(request, limit)
    if not data:
        return {}
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise RequestError(
            415, "invalid_request", "The body must be JSON; send it with Content-Type: application/json."
        )
    try:
        value = json.loads(data, parse_constant=_no_constant, parse_float=_finite)
        if not isinstance(value, dict):
            raise RequestError(422, "invalid_request", "The body must be a JSON object.")
        if not control_characters:
            _refuse_unprintable(value)
    except (ValueError, RecursionError):
        raise RequestError(400, "invalid_request", "The body is not valid JSON.") from None
    return value


def parse(model: type[Model], value: Mapping[str, Any]) -> Model:
    """Raises RequestError that names the first wrong field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # The union's own tag stands before the field of a control request.
        location = [str(part) for part in first["loc"] if part not in ("cancel", "pause", "resume", "[key]")]
        if first["type"].startswith("union_tag"):
            location = ["action"]
        field = ".".join(location[:2])
        sentence = f"{field or 'The body'} {_what_is_wrong(first['type'], first.get('ctx', {}))}."
        raise RequestError(422, "invalid_request", sentence, field=field or None) from None


async def _read(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isascii() and announced.isdecimal() and int(announced[:16]) > limit:
        raise _too_large(limit)
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > limit:
                raise _too_large(limit)
    except ClientDisconnect:  # nobody is there to read this; it is for the log
        raise RequestError(400, "invalid_request", "The body did not arrive whole.") from None
    return bytes(data)


def _too_large(limit: int) -> RequestError:
    return RequestError(413, "invalid_request", f"The body is too large; {limit // 1024} KiB is the most.")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits:.20} is out of range")
    return number


def _refuse_unprintable(value: Any) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            _refuse_unprintable(key)
            _refuse_unprintable(each)
    elif isinstance(value, list):
        for each in value:
            _refuse_unprintable(each)
    elif isinstance(value, str) and has_control_characters(value, besides="\n\t"):
        raise RequestError(
            422,
            "invalid_request",
            "The body must not contain control characters other than line breaks and tabs.",
        )


_SENTENCES = {
    "union_tag_invalid": "must be cancel, pause or resume",
    "union_tag_not_found": "is missing; it must be cancel, pause or resume",
    "missing": "is missing",
    "literal_error": "must be {expected}",
    "string_type": "must be a text",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "must consist of 1 to 64 letters, digits, _ and -",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}


def _what_is_wrong(type_: str, context: Mapping[str, Any]) -> str:
    return _SENTENCES.get(type_, "has a value that it does not take").format_map(context)
