from __future__ import annotations

import logging
import re
import traceback

from trainstop.server.security.credentials import JSON_WEB_TOKEN
from trainstop.server.security.worker_token import WORKER_TOKEN

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LOOKS_SECRET = re.compile(f"{JSON_WEB_TOKEN.pattern}|{WORKER_TOKEN.pattern}")
_BEARER = re.compile(r"(?i)(bearer\s+)[!-~]+")


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class Redaction(logging.Formatter):
    """A log format in which no secret and no control character gets through, but for the line breaks of stack
    traces, whose lines stand in from the edge: none can pass for a line of the log."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        line = _escaped(self.clean(self.formatMessage(record)))
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text or ""
        lines = [_escaped(each) for each in self.clean(trace).split("\n")] if trace else []
        return "\n  ".join([line, *lines])

    def formatException(self, ei: object) -> str:
        return "".join(traceback.format_exception(*ei)).rstrip()  # type: ignore[misc]

    def clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return _LOOKS_SECRET.sub("***", _BEARER.sub(r"\1***", text))
