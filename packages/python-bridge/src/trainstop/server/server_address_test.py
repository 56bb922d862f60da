from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainstop.server.server_address import (
    NAME,
    read_server_address,
    remove_server_address,
    write_server_address,
)

URL = "http://127.0.0.1:1/api/training"


def test_what_was_written_is_read_while_its_server_lives(tmp_path: Path) -> None:
    write_server_address(tmp_path, URL, tmp_path / "token")
    address = read_server_address(tmp_path)
    assert address is not None
    assert (address.url, address.token_file, address.is_gone) == (URL, tmp_path / "token", False)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    remove_server_address(tmp_path)
    assert read_server_address(tmp_path) is None


def test_a_dead_servers_address_is_known_as_such_and_left_by_others(tmp_path: Path) -> None:
    write_server_address(tmp_path, URL, tmp_path / "token")
    told = json.loads((tmp_path / NAME).read_text())
    (tmp_path / NAME).write_text(json.dumps({**told, "pid": told["pid"] + 1}))
    address = read_server_address(tmp_path)
    assert address is not None and address.is_gone
    remove_server_address(tmp_path)
    assert read_server_address(tmp_path) is not None
    (tmp_path / NAME).write_text(json.dumps({**told, "start_ticks": told["start_ticks"] + 1}))
    address = read_server_address(tmp_path)
    assert address is not None and address.is_gone, "the pid was used again"


def test_of_another_machines_server_nothing_is_certain(tmp_path: Path) -> None:
    write_server_address(tmp_path, URL, tmp_path / "token")
    told = json.loads((tmp_path / NAME).read_text())
    (tmp_path / NAME).write_text(json.dumps({**told, "boot_id": "other"}))
    address = read_server_address(tmp_path)
    assert address is not None and not address.is_gone


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1}', "null"])
def test_what_can_not_be_understood_is_no_address(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert read_server_address(tmp_path) is None
