"""Where the log goes, and how."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from trainstop.server.configuration.log_section import LogSection
from trainstop.server.observability.log_context import LogContext
from trainstop.server.observability.log_format import JsonLog, TextLog


def log_handler(section: LogSection, secrets: list[str], stream: TextIO) -> logging.Handler:
    """`secrets` appear in no line."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(LogContext())
    handler.setFormatter(JsonLog(secrets) if section.format == "json" else TextLog(secrets))
    return handler


def log_to_stderr(section: LogSection, secrets: list[str]) -> None:
    """Everything that is logged in this process."""
    handler = log_handler(section, secrets, sys.stderr)
    logging.basicConfig(level=section.level.upper(), handlers=[handler], force=True)
    # They tell of every connection, every migration, every request with its query.
    for chatty in ("uvicorn.error", "alembic", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
