"""Which server a command is about, and the token for it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trainstop.cli.plain_error import MISUSED, PlainError
from trainstop.cli.readable import moment
from trainstop.rundir.process_identity import boot_id
from trainstop.server.server_address import read_server_address

DEFAULT_DATA = ".trainstop"
BASE_PATH = "/api/training"
SYSTEM_USER = 0


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    token: str
    token_from: str
    """Where the token came from, for messages."""
    data_dir: Path | None
    """Known when the server works on this machine."""

    def __repr__(self) -> str:
        return f"Server({self.url})"


def add_server_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "which server",
        "Without these: TRAINSTOP_URL and TRAINSTOP_TOKEN, else the server of the nearest .trainstop "
        "directory, "
        "here or above. A token never stands on the command line.",
    )
    one = group.add_mutually_exclusive_group()
    one.add_argument(
        "--data", type=Path, metavar="DIR", help="the data directory of a server on this machine"
    )
    one.add_argument("--url", metavar="URL", help="a server anywhere, as http://host:8321/api/training")
    group.add_argument("--token-file", type=Path, metavar="F", help="file with the token for it")


def choose_server(options: argparse.Namespace) -> Server:
    """Raises PlainError."""
    return choose(options.url, options.token_file, options.data, os.environ, Path.cwd())


def choose(
    url: str | None, token_file: Path | None, data: Path | None, environment: Mapping[str, str], here: Path
) -> Server:
    # Inside a run, these are the run's own, to report on itself; with them nobody operates anything.
    of_a_run = environment.get("TRAINSTOP_JOB_ID")
    told = {} if of_a_run else environment
    if url is None and data is None:
        url = told.get("TRAINSTOP_URL") or None
    if url is not None:
        address = _checked(url)
        if token_file is None and told.get("TRAINSTOP_TOKEN"):
            return Server(address, told["TRAINSTOP_TOKEN"].strip(), "TRAINSTOP_TOKEN", None)
        if token_file is None:
            raise PlainError(
                f"There is no token for {address}; name a file that holds it with --token-file, or set "
                f"TRAINSTOP_TOKEN.{_of_a_run(of_a_run)}",
                MISUSED,
            )
        return Server(address, _token_in(token_file), str(token_file), None)
    if data is not None:
        return _server_of(data, token_file)
    found = _nearest(here)
    if found is not None:
        _refuse_if_planted(found)
        return _server_of(found, token_file)
    raise PlainError(
        f"No server is known: there is no {DEFAULT_DATA} directory in {here} or above it. Start one with "
        "`trainstop serve`, or name one with --data, or with --url and "
        f"--token-file.{_of_a_run(of_a_run)}"
    )


def _server_of(data_dir: Path, token_file: Path | None) -> Server:
    try:
        if not data_dir.is_dir():
            raise PlainError(f"There is no directory {data_dir}; name a server's data directory with --data.")
        address = read_server_address(data_dir)
    except OSError as error:
        raise PlainError(
            f"The data directory {data_dir} can't be looked into: {error.strerror}. It belongs to the user "
            "who "
            "runs the server; ask as that user, or with --url and a token file of your own."
        ) from None
    if address is None or address.is_gone:
        gone = "" if address is None else f" (the one started at {moment(address.started)} is gone)"
        raise PlainError(
            f"No server works in {data_dir}{gone}. Start one with: trainstop serve --data {data_dir}"
        )
    file = token_file or address.token_file
    return Server(_checked(address.url), _token_in(file), str(file), data_dir)


def _refuse_if_planted(found: Path) -> None:
    """Whoever wrote a directory in which somebody happens to stand (a clone, an archive, /tmp) must not learn
    the secrets of that person: the address in it says where a token goes, and in which file that is."""
    try:
        owner = found.stat().st_uid
        address = read_server_address(found)
    except OSError:
        return  # what that means is said by whoever looks next
    if owner not in (SYSTEM_USER, os.geteuid()):
        raise PlainError(
            f"The directory {found} belongs to another user, so the address in it is not followed by itself. "
            f"If you trust it, name it: --data {found}"
        )
    if address is not None and address.identity["boot_id"] != boot_id():
        raise PlainError(
            f"The server address in {found} was written on another machine, or before this one was "
            "restarted, so it is not followed by itself. If it is your server's, name the "
            f"directory: --data {found}"
        )


def _nearest(here: Path) -> Path | None:
    for directory in (here, *here.parents):
        data = directory / DEFAULT_DATA
        try:
            if data.is_dir():
                return data
        except OSError:
            continue
    return None


def _token_in(file: Path) -> str:
    try:
        token = file.read_text("ascii").strip()
    except OSError as error:
        raise PlainError(
            f"The token file {file} can't be read: {error.strerror}. It belongs to the user who runs the "
            "server."
        ) from None
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isprintable() or " " in token:
        raise PlainError(f"The file {file} holds no token; it must be one line without spaces.")
    return token


def _checked(url: str) -> str:
    """The address of the protocol's routes; a bare host gets the usual path."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise PlainError(
            f"{url!r} is no address of a server; write it like http://127.0.0.1:8321{BASE_PATH}.", MISUSED
        )
    if parts.username is not None or parts.password is not None:
        raise PlainError(
            "A secret must not stand in the address, where histories and logs keep it; use --token-file.",
            MISUSED,
        )
    path = parts.path.rstrip("/") or BASE_PATH
    return f"{parts.scheme}://{parts.netloc}{path}"


def _of_a_run(job_id: str | None) -> str:
    if not job_id:
        return ""
    return f" (TRAINSTOP_URL and TRAINSTOP_TOKEN here are those of the run {job_id}, and are not used.)"
