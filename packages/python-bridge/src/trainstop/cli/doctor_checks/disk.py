"""The disk under the data directory, and who may look into it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from trainstop.cli.doctor_checks.finding import Finding, failed, ok, warning
from trainstop.cli.readable import size

LITTLE_BYTES = 10 * 1024**3
TOO_LITTLE_BYTES = 1024**3
FAR_AWAY = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "fuse.sshfs",
    "fuse.s3fs",
    "lustre",
    "ceph",
    "beegfs",
    "gpfs",
    "9p",
)
GONE_AT_BOOT = ("tmpfs", "ramfs")
_FALLOC_PUNCH_HOLE = 0x02 | 0x01


def free_space(data_dir: Path, free: Callable[[Path], int] | None = None) -> Finding:
    there = _existing(data_dir)
    left = (free or (lambda path: shutil.disk_usage(path).free))(there)
    told = f"{size(left)} free where {data_dir} lies."
    if left < TOO_LITTLE_BYTES:
        return failed("disk", told, "Checkpoints will fail to be saved; make room.")
    if left < LITTLE_BYTES:
        return warning(
            "disk", told, "That may be too little for checkpoints; those of large models take GiBs each."
        )
    return ok("disk", told)


def file_system(data_dir: Path, mounts: str | None = None) -> Finding:
    there = _existing(data_dir).resolve()
    kind = _kind_of(there, Path("/proc/self/mounts").read_text() if mounts is None else mounts)
    if kind in FAR_AWAY or (kind or "").startswith("fuse."):
        return warning(
            "file system",
            f"{data_dir} lies on {kind}, a network file system.",
            "SQLite and locks may not work there; keep the data directory on a local disk, or give the "
            "store a "
            "PostgreSQL.",
        )
    if kind in GONE_AT_BOOT:
        return warning(
            "file system",
            f"{data_dir} lies on {kind}, in memory.",
            "Everything in it is gone after a restart.",
        )
    return ok("file system", f"{data_dir} lies on {kind or 'a file system of unknown kind'}.")


def writing(data_dir: Path, fsync: Callable[[int], None] = os.fsync) -> Finding:
    """Really writes: a file, to the disk, with its directory."""
    try:
        with tempfile.TemporaryFile(dir=_existing(data_dir)) as file:
            file.write(b"trainstop" * 1000)
            file.flush()
            fsync(file.fileno())
            punched = _punches_holes(file.fileno())
    except OSError as error:
        return failed(
            "writing",
            f"Nothing can be written to disk in {_existing(data_dir)}: {error.strerror}.",
            "Name another directory with --data, or mend its permissions.",
        )
    if not punched:
        return warning(
            "writing",
            "Files are written to disk, but parts of them can't be given back.",
            "The logs of long runs can't be cut at their beginning while they are written.",
        )
    return ok("writing", "Files are written to disk, and parts of them can be given back.")


def permissions(data_dir: Path) -> Finding:
    try:
        status = data_dir.stat()
    except FileNotFoundError:
        return ok("data directory", f"{data_dir} is not there yet; the server makes it, for its user alone.")
    except OSError as error:
        return failed(
            "data directory",
            f"{data_dir} can't be looked into: {error.strerror}.",
            "It belongs to another user; run the server and its commands as that one.",
        )
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        return failed(
            "data directory",
            f"{data_dir} belongs to another user (id {status.st_uid}).",
            "Run the server as that user, or name another directory with --data.",
        )
    if mode & 0o077:
        return warning(
            "data directory",
            f"{data_dir} can be entered by other users (mode {mode:o}).",
            f"The server closes it when it starts; until then: chmod 700 {data_dir}",
        )
    return ok("data directory", f"{data_dir} is its owner's alone.")


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def _kind_of(path: Path, mounts: str) -> str | None:
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        place = words[1].replace(r"\040", " ")
        inside = place == "/" or str(path) == place or str(path).startswith(f"{place}/")
        if inside and (best is None or len(place) >= best[0]):
            best = (len(place), words[2])
    return None if best is None else best[1]


def _punches_holes(descriptor: int) -> bool:
    import ctypes

    try:
        fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    except (OSError, AttributeError):
        return False
    offset = ctypes.c_longlong
    return bool(fallocate(descriptor, _FALLOC_PUNCH_HOLE, offset(0), offset(4096)) == 0)
