"""The published checkpoints of a directory, and which of them to go on from."""

from __future__ import annotations

from pathlib import Path

from trainstop.checkpoints.manifest import ManifestError, read_manifest
from trainstop.checkpoints.verification import verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.checkpoints.manifest import Manifest


def published(checkpoints: Path) -> list[tuple[Path, Manifest]]:
    """Every published checkpoint with a readable manifest, newest first. Not verified.

    Newest is what the manifests say (`saved_at`, then `step`); names and the order of a listing say nothing.
    A directory that doesn't bear the id in its manifest is a copy or someone else's, and passed over.
    """
    found = []
    try:
        paths = list(checkpoints.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    for path in paths:
        if path.name.startswith("."):
            continue
        try:
            manifest = read_manifest(path)
        except ManifestError:
            continue
        if manifest["checkpoint_id"] == path.name:
            found.append((path, manifest))
    found.sort(key=lambda pair: (pair[1]["saved_at"], pair[1]["step"]), reverse=True)
    return found


def last_good(checkpoints: Path) -> tuple[Path, Manifest] | None:
    """The newest checkpoint that verifies; None when there is none. Reads all of those it tries."""
    for path, _ in published(checkpoints):
        verification = verify(path)
        if verification.ok and verification.manifest is not None:
            return path, verification.manifest
    return None
