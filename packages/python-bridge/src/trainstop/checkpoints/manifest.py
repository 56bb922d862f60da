"""The manifest: what a checkpoint consists of. Written last; without it there is no checkpoint."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypedDict

    MetricValue = float | Literal["NaN", "Infinity", "-Infinity"]
    SaveReason = Literal["scheduled", "cancel", "pause", "manual"]

    class ManifestFile(TypedDict):
        path: str
        """Relative to the checkpoint's directory, parts joined by "/"."""
        bytes: int
        sha256: str
        """64 lower-case hexadecimal digits."""

    class Manifest(TypedDict):
        format: Literal[1]
        checkpoint_id: str
        job_id: str | None
        """None, like `attempt`, when the script ran alone."""
        attempt: int | None
        step: int
        epoch: int | None
        saved_at: str
        """RFC 3339 in UTC with milliseconds. Later than that of every older checkpoint beside it."""
        save_seconds: float
        reason: SaveReason
        metrics: dict[str, MetricValue]
        files: list[ManifestFile]


MANIFEST_NAME = "trainstop.json"
FORMAT: Literal[1] = 1
# Far more than any real manifest: a damaged or hostile one must not fill the memory of a server.
MAX_MANIFEST_BYTES = 64 << 20

_CHECKPOINT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SAVED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """The manifest is missing, damaged, or names something that no checkpoint may name."""


def read_manifest(checkpoint: Path) -> Manifest:
    """The manifest of the checkpoint directory, checked for shape. Loads nothing but this one JSON file.

    Raises ManifestError with a plain sentence: no such file, no JSON, a field of the wrong kind, or a file
    path that leads out of the directory.
    """
    try:
        value = json.loads(_read_plain_file(checkpoint / MANIFEST_NAME))
    except (FileNotFoundError, NotADirectoryError):
        raise ManifestError(f"there is no {MANIFEST_NAME}, so no save was finished here") from None
    except OSError as error:
        raise ManifestError(f"{MANIFEST_NAME} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"{MANIFEST_NAME} is not JSON: {error}") from error
    return _checked(value)


def _read_plain_file(path: Path) -> bytes:
    # No link is followed out of the checkpoint, and a FIFO in the manifest's place hangs nobody.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ManifestError(f"{MANIFEST_NAME} is not a plain file")
        if status.st_size > MAX_MANIFEST_BYTES:
            raise ManifestError(f"{MANIFEST_NAME} is larger than {MAX_MANIFEST_BYTES} bytes")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_MANIFEST_BYTES)
    finally:
        os.close(descriptor)  # also of a directory, of which no file is made


def _checked(value: Any) -> Manifest:
    if not isinstance(value, dict):
        raise ManifestError(f"{MANIFEST_NAME} is not a JSON object")
    number = value.get("format")
    if not _is_integer(number) or number != FORMAT:
        raise ManifestError(f"{MANIFEST_NAME} has format {number!r}; this version reads {FORMAT}")
    for name, holds in _FIELDS.items():
        if name not in value or not holds(value[name]):
            raise ManifestError(f"{MANIFEST_NAME}: {name} is missing or of the wrong kind")
    seen: set[str] = set()
    for entry in value["files"]:
        if not (
            isinstance(entry, dict)
            and isinstance(entry.get("path"), str)
            and _is_count(entry.get("bytes"))
            and isinstance(entry.get("sha256"), str)
            and _SHA256.fullmatch(entry["sha256"])
        ):
            raise ManifestError(f"{MANIFEST_NAME}: a file entry lacks path, bytes or sha256")
        if not is_inside(entry["path"]):
            raise ManifestError(f"{MANIFEST_NAME}: {entry['path']!r} is no path inside the checkpoint")
        if entry["path"] in seen:
            raise ManifestError(f"{MANIFEST_NAME}: {entry['path']!r} is listed twice")
        seen.add(entry["path"])
    return value  # type: ignore[return-value]


def is_inside(path: str) -> bool:
    """Whether a manifest may name this path: relative, no way up, nothing that two spellings could share."""
    return (
        "\0" not in path
        and path != MANIFEST_NAME
        and all(part not in ("", ".", "..") for part in path.split("/"))
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    # Compares false for NaN and the infinities, which json.loads takes but JSON doesn't have.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "checkpoint_id": lambda v: isinstance(v, str) and _CHECKPOINT_ID.fullmatch(v) is not None,
    "job_id": lambda v: v is None or isinstance(v, str),
    "attempt": lambda v: v is None or _is_count(v),
    "step": _is_integer,
    "epoch": lambda v: v is None or _is_integer(v),
    "saved_at": lambda v: isinstance(v, str) and _SAVED_AT.fullmatch(v) is not None,
    "save_seconds": _is_number,
    "reason": lambda v: v in ("scheduled", "cancel", "pause", "manual"),
    "metrics": lambda v: (
        isinstance(v, dict)
        and all(_is_number(x) or x in ("NaN", "Infinity", "-Infinity") for x in v.values())
    ),
    "files": lambda v: isinstance(v, list) and len(v) > 0,
}
