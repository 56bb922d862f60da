"""Save a checkpoint: hidden directory, files, hashes, fsync, manifest last, one rename."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from pathlib import Path

from trainstop.checkpoints.leftovers import SAVING, clean_leftovers
from trainstop.checkpoints.manifest import FORMAT, MANIFEST_NAME, is_inside
from trainstop.checkpoints.published import published
from trainstop.rundir.atomic_file import fsync_directory, write_json_atomically
from trainstop.rundir.clock import now, rfc3339, unix_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.checkpoints.manifest import Manifest, ManifestFile, MetricValue, SaveReason


class SaveError(Exception):
    """What the script left in the directory can't be published. A plain sentence."""


class Save:
    """One save under way. Write files into `path`, then call `publish` or `abandon`, once.

    Killed at any moment, it leaves a hidden directory that nobody takes for a checkpoint and that a later
    save clears away; a lock on it tells the living from the dead.
    """

    def __init__(self, checkpoints: Path, step: int) -> None:
        """Make the hidden directory, and `checkpoints` where needed. Raises OSError (a full disk, say)."""
        self._checkpoints = checkpoints
        _make_durably(checkpoints)
        clean_leftovers(checkpoints)
        self._step = step
        number = 0
        while True:
            number += 1
            self.checkpoint_id = f"step-{step:08d}" + (f"-{number}" if number > 1 else "")
            self.path = checkpoints / f"{SAVING}{self.checkpoint_id}"
            lock = self._claim()
            if lock is not None:
                self._lock = lock
                return

    def _claim(self) -> int | None:
        """Make and lock `path`; None when its id is taken, be it in this moment."""
        final = self._checkpoints / self.checkpoint_id
        if final.exists():
            return None
        try:
            self.path.mkdir()
        except FileExistsError:
            return None  # another process is saving the same step
        if final.exists():
            self.path.rmdir()  # that other process published between our look and our mkdir
            return None
        return _lock(self.path)

    def publish(
        self,
        *,
        job_id: str | None,
        attempt: int | None,
        epoch: int | None,
        reason: SaveReason,
        metrics: dict[str, MetricValue],
        save_seconds: float,
    ) -> Manifest:
        """Put every byte on disk, write the manifest, make it visible by one rename. Blocks on the disk.

        Raises SaveError for a directory that holds nothing, or something other than files and directories,
        and OSError when the disk refuses. Nothing is published then; call `abandon`.
        """
        files, directories = _contents(self.path)
        if not files:
            raise SaveError("the script wrote no file into the checkpoint")
        listed = [_hash_and_sync(self.path, file) for file in files]
        for directory in reversed(directories):
            fsync_directory(directory)
        manifest: Manifest = {
            "format": FORMAT,
            "checkpoint_id": self.checkpoint_id,
            "job_id": job_id,
            "attempt": attempt,
            "step": self._step,
            "epoch": epoch,
            "saved_at": _later_than_all_before(self._checkpoints),
            "save_seconds": round(save_seconds, 3),
            "reason": reason,
            "metrics": metrics,
            "files": listed,
        }
        write_json_atomically(self.path / MANIFEST_NAME, manifest)
        final = self._checkpoints / self.checkpoint_id
        self.path.rename(final)
        fsync_directory(self._checkpoints)
        os.close(self._lock)
        self.path = final
        return manifest

    def abandon(self) -> None:
        """Remove what was written. Raises nothing: what can't be removed now, a later save clears away."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _make_durably(directory: Path) -> None:
    if not directory.is_dir():
        _make_durably(directory.parent)
        directory.mkdir(exist_ok=True)
        fsync_directory(directory.parent)


def _lock(directory: Path) -> int | None:
    """Lock a directory made just now; None when, before that, it was cleared away as a leftover."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(directory.stat(), os.fstat(descriptor)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        return descriptor  # a file system without locks: there nobody clears anything away
    os.close(descriptor)
    return None


def _contents(top: Path) -> tuple[list[str], list[Path]]:
    """Paths of all files, relative and sorted, and all directories, parents before what they hold."""
    files: list[str] = []
    directories: list[Path] = []
    pending = [""]
    while pending:
        below = pending.pop()
        directories.append(top / below if below else top)
        for entry in list(os.scandir(top / below)):
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif not entry.is_file(follow_symlinks=False):
                kind = "symbolic link" if entry.is_symlink() else "special file"
                raise SaveError(f"{path} is a {kind}; a checkpoint holds plain files, so save a copy instead")
            elif not is_inside(path):
                raise SaveError(f"{path} is Trainstop's own file name; save yours under another")
            else:
                files.append(path)
    return sorted(files), directories


def _hash_and_sync(top: Path, path: str) -> ManifestFile:
    import hashlib  # spares scripts that never save

    with (top / path).open("rb", buffering=0) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SaveError(f"{path} is not a plain file")
        return {"path": path, "bytes": status.st_size, "sha256": digest}


def _later_than_all_before(checkpoints: Path) -> str:
    """The time; just after the newest checkpoint's where a clock was set back, since it is their order."""
    moment = rfc3339(now())
    for _, newest in published(checkpoints)[:1]:
        if newest["saved_at"] >= moment:
            with contextlib.suppress(ValueError):  # a 13th month, say
                return rfc3339(unix_seconds(newest["saved_at"]) + 0.001)
    return moment
