from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainstop.cli.plain_error import PlainError
from trainstop.cli.server_choice import BASE_PATH, choose
from trainstop.server.server_address import NAME, write_server_address

URL = f"http://127.0.0.1:1{BASE_PATH}"
ELSEWHERE = f"http://elsewhere:8321{BASE_PATH}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory of a server that lives: this process."""
    data = tmp_path / ".trainstop"
    data.mkdir()
    (data / "token").write_text("the-servers-token\n")
    write_server_address(data, URL, data / "token")
    return data


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "other-token"
    path.write_text("another-token\n")
    return path


def test_the_nearest_data_directory_is_found_from_below(data: Path, tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    server = choose(None, None, None, {}, below)
    assert (server.url, server.token, server.data_dir) == (URL, "the-servers-token", data)
    assert "the-servers-token" not in repr(server)


def test_the_environment_names_a_server_and_a_named_directory_beats_it(data: Path, tmp_path: Path) -> None:
    environment = {"TRAINSTOP_URL": "http://elsewhere:8321/", "TRAINSTOP_TOKEN": "from-the-environment"}
    server = choose(None, None, None, environment, tmp_path)
    assert (server.url, server.token, server.data_dir) == (ELSEWHERE, "from-the-environment", None)
    assert choose(None, None, data, environment, tmp_path).token == "the-servers-token"


def test_a_runs_own_address_and_token_are_nobodys_to_operate_with(data: Path, tmp_path: Path) -> None:
    environment = {"TRAINSTOP_URL": ELSEWHERE, "TRAINSTOP_TOKEN": "a-workers", "TRAINSTOP_JOB_ID": "job_1"}
    assert choose(None, None, None, environment, tmp_path).token == "the-servers-token"
    with pytest.raises(PlainError, match="those of the run job_1, and are not used"):
        choose(ELSEWHERE, None, None, environment, tmp_path)
    with pytest.raises(PlainError, match="those of the run job_1"):
        choose(None, None, None, environment, Path("/"))


def test_a_url_goes_with_a_token_file(token_file: Path) -> None:
    server = choose("https://elsewhere/proxy/api/training/", token_file, None, {}, Path("/"))
    assert (server.url, server.token) == ("https://elsewhere/proxy/api/training", "another-token")
    with pytest.raises(PlainError, match=r"no token for .* --token-file") as raised:
        choose(ELSEWHERE, None, None, {}, Path("/"))
    assert raised.value.code == 2


@pytest.mark.parametrize(
    "url", ["elsewhere:8321", "ftp://elsewhere", "http://", "http://a:x/", "http://a/?token=b"]
)
def test_what_is_no_address_is_told(url: str, token_file: Path) -> None:
    with pytest.raises(PlainError, match="is no address of a server"):
        choose(url, token_file, None, {}, Path("/"))


def test_a_secret_in_the_address_is_refused_and_not_repeated(token_file: Path) -> None:
    with pytest.raises(PlainError, match="must not stand in the address") as raised:
        choose("http://me:hush@elsewhere/", token_file, None, {}, Path("/"))
    assert "hush" not in str(raised.value)


def test_no_server_is_known(tmp_path: Path) -> None:
    with pytest.raises(PlainError, match=r"no \.trainstop directory in .* `trainstop serve`"):
        choose(None, None, None, {}, tmp_path)
    with pytest.raises(PlainError, match="There is no directory"):
        choose(None, None, tmp_path / "none", {}, tmp_path)


def test_no_server_works_there_any_more(data: Path) -> None:
    told = json.loads((data / NAME).read_text())
    (data / NAME).write_text(json.dumps({**told, "start_ticks": 1}))
    with pytest.raises(PlainError, match=rf"No server works in {data} .* trainstop serve --data {data}$"):
        choose(None, None, data, {}, Path("/"))
    (data / NAME).unlink()
    with pytest.raises(PlainError, match=rf"No server works in {data}\. Start one"):
        choose(None, None, data, {}, Path("/"))


@pytest.mark.parametrize("text", ["", "two words", "two\nlines", "ümlaut"])
def test_a_file_that_holds_no_token_is_told_without_its_text(token_file: Path, text: str) -> None:
    token_file.write_text(text)
    with pytest.raises(PlainError, match="holds no token") as raised:
        choose(ELSEWHERE, token_file, None, {}, Path("/"))
    assert not text or text not in str(raised.value)
    token_file.unlink()
    with pytest.raises(PlainError, match="can't be read: No such file or directory"):
        choose(ELSEWHERE, token_file, None, {}, Path("/"))


def plant(data: Path, secret: Path, **fields: Any) -> None:
    """What a clone or an archive can bring along."""
    told = {
        "url": ELSEWHERE,
        "token_file": str(secret),
        "boot_id": "of-no-machine",
        "pid": 1,
        "start_ticks": 1,
    }
    path = data / NAME
    path.write_text(json.dumps({**told, "started": "2026-11-23T10:00:00.000Z", **fields}))


def test_an_address_that_came_with_a_clone_gets_no_secret_of_whoever_stands_there(
    data: Path, tmp_path: Path, token_file: Path
) -> None:
    plant(data, token_file)
    with pytest.raises(PlainError, match=r"another machine.* --data") as raised:
        choose(None, None, None, {}, tmp_path)
    assert "another-token" not in str(raised.value)
    # Whoever names the directory means it: a file system that several machines share, say.
    assert choose(None, None, data, {}, tmp_path).url == ELSEWHERE


def test_a_directory_of_somebody_elses_is_not_followed_by_itself(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainstop.cli.server_choice.os.geteuid", lambda: data.stat().st_uid + 1)
    monkeypatch.setattr("trainstop.cli.server_choice.SYSTEM_USER", -1)
    with pytest.raises(PlainError, match=r"another user.* --data"):
        choose(None, None, None, {}, tmp_path)
    assert choose(None, None, data, {}, tmp_path).token == "the-servers-token"
