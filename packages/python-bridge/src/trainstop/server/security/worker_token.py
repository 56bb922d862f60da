"""The token of a run: made of the job, the attempt and a key of the server's. None of them is stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

PREFIX = "tsw_"
KEY_BYTES = 32
WORKER_TOKEN = re.compile(r"tsw_([A-Za-z0-9_-]{1,64})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})")


class WorkerTokens:
    """`repr` hides the key."""

    def __init__(self, key: bytes) -> None:
        """`key`: not the service token, which may be short: who runs a job could try guesses at home."""
        self._key = key

    def __repr__(self) -> str:
        return "WorkerTokens(…)"

    def token(self, job_id: str, attempt: int) -> str:
        return f"{PREFIX}{job_id}.{attempt}.{self._seal(job_id, attempt)}"

    def run_of(self, token: str) -> tuple[str, int] | None:
        """(job id, attempt) whose token it is; None: nobody's. Whether that attempt is still under way the
        store knows. Takes the same time wherever a seal differs."""
        match = WORKER_TOKEN.fullmatch(token)
        if match is None:
            return None
        job_id, attempt = match[1], int(match[2])
        same = hmac.compare_digest(match[3].encode(), self._seal(job_id, attempt).encode())
        return (job_id, attempt) if same else None

    def _seal(self, job_id: str, attempt: int) -> str:
        message = f"trainstop worker\0{job_id}\0{attempt}".encode()
        digest = hmac.new(self._key, message, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_worker_key(path: Path) -> bytes:
    """The key in a file; made at the first start, for its owner alone. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            return key
        path.unlink()  # torn by a power cut in the middle of the first start: no run has a token of it
        return read_worker_key(path)
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(descriptor)
    return key
