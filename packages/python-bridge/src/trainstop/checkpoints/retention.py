"""Keep the newest good checkpoints, remove older ones, and never the best nor the only good one."""

from __future__ import annotations

import shutil
from pathlib import Path

from trainstop.checkpoints.best import best_of
from trainstop.checkpoints.leftovers import REMOVING
from trainstop.checkpoints.published import published
from trainstop.checkpoints.verification import verify
from trainstop.rundir.atomic_file import fsync_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from trainstop.checkpoints.manifest import Manifest

DEFAULT_KEEP = 3


def retain(
    checkpoints: Path,
    *,
    keep: int = DEFAULT_KEEP,
    known_good: str | None = None,
    removable: Collection[str] | None = None,
    protected: Collection[str] = (),
    best: tuple[str, str] | None = None,
) -> list[str]:
    """Remove checkpoints older than the newest `keep` good ones; the ids of the removed, oldest first.

    `known_good`: the id of one that was hashed just now, which spares reading the others again: they count as
    good when every file is there in its size. Without it, one of those kept is first verified byte for byte;
    where none verifies, nothing is removed. `removable` limits removal to these ids; `protected` ids are
    never removed, nor is the best of all that are whole by `best`: a metric, and "min" or "max". Directories
    without a manifest are not ours and stay. Raises OSError when a removal fails; killed half way, a removal
    is finished by the next `clean_leftovers`.
    """
    newest_first = published(checkpoints)
    good: list[Path] = []
    older: list[Path] = []
    for path, _ in newest_first:
        if len(good) >= max(keep, 1):
            older.append(path)
        elif verify(path, content=False).ok:
            good.append(path)
    if not older:
        return []
    if not any(path.name == known_good for path in good) and not any(verify(path).ok for path in good):
        return []
    if best is not None:
        found = _best(newest_first, *best)
        protected = protected if found is None else (*protected, found)
    removed = []
    for path in reversed(older):
        if path.name in protected or (removable is not None and path.name not in removable):
            continue
        _remove(path)
        removed.append(path.name)
    return removed


def _best(newest_first: list[tuple[Path, Manifest]], metric: str, mode: str) -> str | None:
    """Whole, that is: of a damaged one nothing is saved by keeping it instead of the next best."""
    candidates = [(path.name, manifest["metrics"]) for path, manifest in newest_first]
    places = {path.name: path for path, _ in newest_first}
    while (found := best_of(candidates, metric, mode)) is not None:
        if verify(places[found], content=False).ok:
            return found
        candidates = [each for each in candidates if each[0] != found]
    return None


def _remove(checkpoint: Path) -> None:
    """Out of sight by one rename first: a half-removed checkpoint is never seen as a damaged one."""
    hidden = checkpoint.with_name(REMOVING + checkpoint.name)
    shutil.rmtree(hidden, ignore_errors=True)  # a removal of the same id that was killed
    checkpoint.rename(hidden)
    fsync_directory(checkpoint.parent)
    shutil.rmtree(hidden, ignore_errors=True)  # what is left, the next clean_leftovers takes
