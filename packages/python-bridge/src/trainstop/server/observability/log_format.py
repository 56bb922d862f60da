"""One record as one line: for people, or for machines. Neither lets a secret through."""

from __future__ import annotations

import logging
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from trainstop.rundir.clock import rfc3339
from trainstop.server.security.redaction import Redaction


class TextLog(Redaction):
    """`2026-11-23 10:00:00,123 INFO trainstop.requests: GET /… 200 1.2 ms request=… job=…`"""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        ids = ((word, getattr(record, f"{word}_id", None)) for word in ("request", "job"))
        return "".join([line, *(f" {word}={id_}" for word, id_ in ids if id_ and id_ not in line)])


class JsonLog(JsonFormatter):
    """One JSON object a line: `time` (RFC 3339, UTC), `level`, `logger`, `message`; where they are known
    `request_id`, `job_id`, `error` (the stack trace); and what the record brings as `extra`."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s", json_ensure_ascii=True)
        self._redaction = Redaction(secrets)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: self._clean(value) for name, value in log_data.items() if value is not None}

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        known = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": log_data.pop("name", record.name),
            "message": log_data.pop("message", ""),
            "error": log_data.pop("exc_info", None),
        }
        for name in ("levelname", "taskName"):
            log_data.pop(name, None)
        others = dict(log_data)
        log_data.clear()
        log_data.update(known | others)

    def formatException(self, ei: Any) -> str:
        return self._redaction.formatException(ei)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redaction.clean(value).replace("\x7f", "\\x7f")
        if isinstance(value, dict):
            return {self._clean(key): self._clean(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(inner) for inner in value]
        return value
