from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
from pathlib import Path

MINIMUM_LENGTH = 16

logger = logging.getLogger("trainstop.security")


class TokenError(Exception):
    """The token file can't be used. One plain sentence for the operator."""


class Token:
    """The server's secret. Never printed: `repr` hides it."""

    def __init__(self, value: str) -> None:
        self.value = value
        self._digest = hashlib.sha256(value.encode()).digest()

    def __repr__(self) -> str:
        return "Token(…)"

    def admits(self, authorization: bytes | None) -> bool:
        """Whether an Authorization header bears this token. Takes the same time wherever it differs."""
        scheme, _, given = (authorization or b"").partition(b" ")
        return self.is_value(given.strip()) and scheme.lower() == b"bearer"

    def is_value(self, given: bytes) -> bool:
        """Takes the same time wherever it differs."""
        return hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)


def read_token(path: Path) -> Token:
    """The token in a file; a file that is not there is made, for its owner alone. Raises TokenError."""
    try:
        return _make(path)
    except FileExistsError:
        pass
    except OSError as error:
        raise TokenError(f"The token file {path} can't be made: {error.strerror}.") from None
    try:
        value = path.read_text("ascii").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"The token file {path} can't be read: {error}.") from None
    if len(value) < MINIMUM_LENGTH or not re.fullmatch(r"[!-~]+", value):
        raise TokenError(
            f"The token file {path} must hold one line of {MINIMUM_LENGTH} or more printable characters "
            "without spaces; remove the file to have a token made."
        )
    if mode & 0o077:
        logger.warning("The token file %s can be read by others on this machine; chmod 600 it.", path)
    return Token(value)


def _make(path: Path) -> Token:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    value = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(descriptor)
    return Token(value)
