"""What the server itself needs: its packages, its store, its port, enough open files."""

from __future__ import annotations

import importlib.util
import resource
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

from trainstop.cli.doctor_checks.finding import Finding, failed, ok, warning
from trainstop.cli.readable import moment
from trainstop.server.server_address import read_server_address

PACKAGES = ("starlette", "uvicorn", "sqlalchemy", "pydantic", "httpx", "rich")
FEW_FILES = 4096
TOO_FEW_FILES = 256
FILES_PER_JOB = 8

_INSTALL = 'Run: pip install "trainstop[server]"'
_MISSING = "what reads it is not installed."


def packages(is_there: Callable[[str], bool] | None = None) -> Finding:
    there = is_there or (lambda name: importlib.util.find_spec(name) is not None)
    missing = [name for name in PACKAGES if not there(name)]
    if missing:
        return failed("packages", f"{', '.join(missing)} is not installed.", _INSTALL)
    return ok("packages", "Everything that the server imports is installed.")


def configuration(path: Path) -> Finding:
    try:
        from trainstop.server.configuration.configuration import read_configuration
        from trainstop.server.configuration.configuration_error import ConfigurationError
    except ModuleNotFoundError:
        return warning("configuration", f"{path} can't be checked: {_MISSING}", _INSTALL)
    try:
        read_configuration(path)
    except ConfigurationError as error:
        return failed("configuration", str(error), "The server starts with none but a good one.")
    return ok("configuration", f"{path} is good.")


def store(data_dir: Path) -> Finding:
    path = data_dir / "trainstop.db"
    if not path.exists():
        return ok("store", "There is no store yet; the server makes one.")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            problem = connection.execute("pragma quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return failed("store", f"The store {path} can't be read: {error}.", "Restore it from a backup.")
    if problem != "ok":
        return failed("store", f"The store {path} is damaged: {problem}.", "Restore it from a backup.")
    return ok("store", f"The store {path} is whole.")


def port(host: str, number: int, data_dir: Path) -> Finding:
    try:
        address = read_server_address(data_dir)
    except OSError:
        address = None
    if address is not None and not address.is_gone:
        return ok("port", f"A server works in {data_dir} at {address.url}, since {moment(address.started)}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, number))
    except OSError as error:
        return failed(
            "port",
            f"The port {number} of {host} is not free: {error.strerror}.",
            "Choose another with serve --port.",
        )
    return ok("port", f"The port {number} of {host} is free.")


def open_files(limits: Callable[[], tuple[int, int]] | None = None) -> Finding:
    soft, hard = (limits or (lambda: resource.getrlimit(resource.RLIMIT_NOFILE)))()
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return ok("open files", f"The server may hold {'any number of' if soft < 0 else soft} files open.")
    told = f"The server may hold only {soft} files open (at most {hard} if asked for)."
    follows = (
        f"Each stream takes one and each run {FILES_PER_JOB}; raise it (ulimit -n, LimitNOFILE= in systemd)."
    )
    return (failed if soft < TOO_FEW_FILES else warning)("open files", told, follows)
