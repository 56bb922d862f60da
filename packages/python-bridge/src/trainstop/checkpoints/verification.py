"""Verify a checkpoint: every listed file is there, whole and unchanged. Nothing is ever loaded."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from trainstop.checkpoints.manifest import MANIFEST_NAME, ManifestError, read_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from trainstop.checkpoints.manifest import Manifest, ManifestFile

    ProblemKind = Literal["manifest", "missing", "not_a_file", "unreadable", "size", "content"]


class Problem:
    """One thing that is wrong. `str(problem)` is a plain sentence without a full stop."""

    __slots__ = ("detail", "kind", "path")

    def __init__(self, kind: ProblemKind, path: str, detail: str) -> None:
        self.kind: ProblemKind = kind
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return self.detail

    def __repr__(self) -> str:
        return f"Problem({self.kind!r}, {self.path!r}, {self.detail!r})"


class Verification:
    """What `verify` found. `ok` when there is no problem.

    `extra` lists files that the manifest doesn't know (notes, a later export): nothing vouches for them, but
    they don't make what was saved any worse.
    """

    __slots__ = ("_checkpoint", "manifest", "problems")

    def __init__(self, checkpoint: Path, manifest: Manifest | None, problems: list[Problem]) -> None:
        self._checkpoint = checkpoint
        self.manifest = manifest
        self.problems = problems

    @property
    def extra(self) -> list[str]:
        """Looked for when asked: there may be any number of them, at any depth."""
        return [] if self.manifest is None else _unlisted(self._checkpoint, self.manifest)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(checkpoint: Path, *, content: bool = True, largest: int | None = None) -> Verification:
    """Compare a checkpoint directory with its manifest. Raises nothing; blocks while it reads every byte.

    With `content=False` only presence and sizes are compared, which takes no time worth naming and finds
    what a killed or full machine leaves, but no flipped bit. So it is with a checkpoint whose manifest lists
    more than `largest` bytes.
    """
    try:
        manifest = read_manifest(checkpoint)
    except ManifestError as error:
        return Verification(checkpoint, None, [Problem("manifest", MANIFEST_NAME, str(error))])
    if largest is not None and sum(entry["bytes"] for entry in manifest["files"]) > largest:
        content = False
    problems = []
    for entry in manifest["files"]:
        problem = _examine(checkpoint, entry, content)
        if problem is not None:
            problems.append(problem)
    return Verification(checkpoint, manifest, problems)


def _examine(checkpoint: Path, entry: ManifestFile, content: bool) -> Problem | None:
    path = entry["path"]
    try:
        descriptor = _open_inside(checkpoint, path)
        try:
            return _compare(descriptor, entry, content)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return Problem("missing", path, f"{path} is missing")
    except OSError as error:
        return Problem("unreadable", path, f"{path} cannot be read: {error.strerror}")
    except ValueError:
        return Problem("missing", path, f"{path!r} cannot be the name of a file")


def _compare(descriptor: int, entry: ManifestFile, content: bool) -> Problem | None:
    path = entry["path"]
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return Problem("not_a_file", path, f"{path} is not a plain file")
    if status.st_size != entry["bytes"]:
        return Problem("size", path, f"{path} has {status.st_size} bytes; {entry['bytes']} were saved")
    if content:
        import hashlib  # only where bytes are compared

        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != entry["sha256"]:
            return Problem("content", path, f"{path} has other content than was saved")
    return None


def _open_inside(checkpoint: Path, path: str) -> int:
    """Open without following a symbolic link at any part, so that nothing outside is ever read."""
    *parents, name = path.split("/")
    flags = os.O_RDONLY | os.O_CLOEXEC
    directory = os.open(checkpoint, flags | os.O_DIRECTORY)
    try:
        for parent in parents:
            below = os.open(parent, flags | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = below
        # Non-blocking: a FIFO put in a file's place must not hang whoever verifies.
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)


def _unlisted(checkpoint: Path, manifest: Manifest) -> list[str]:
    listed = {entry["path"] for entry in manifest["files"]}
    extra = []
    pending = [""]
    while pending:  # not by recursion, which a script could make too deep
        below = pending.pop()
        try:
            entries = list(os.scandir(checkpoint / below))
        except OSError:
            continue
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif path not in listed and path != MANIFEST_NAME:
                extra.append(path)
    return sorted(extra)
