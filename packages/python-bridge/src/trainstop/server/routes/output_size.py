from __future__ import annotations

from pathlib import Path


def size_of(path: Path) -> int:
    """Bytes; 0 while there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
