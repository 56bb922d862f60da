from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.rundir.layout import RunDir
from trainstop.server.routes.conftest import Site
from trainstop.server.routes.logs import read_piece

each_example_overwrites = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


@each_example_overwrites
@given(text=st.text(), limit=st.integers(4, 40))
def test_pieces_read_one_after_another_are_the_whole_text(output: Path, text: str, limit: int) -> None:
    output.write_bytes(text.encode())
    pieces, offset = [], 0
    while True:
        piece, _, next_offset, size = read_piece(output, offset, limit, complete=True)
        pieces.append(piece)
        if next_offset == size:
            break
        assert next_offset > offset
        offset = next_offset
    assert "".join(pieces) == text


@each_example_overwrites
@given(text=st.text(), back=st.integers(1, 60))
def test_a_negative_offset_is_the_end_of_the_text_from_where_a_character_begins(
    output: Path, text: str, back: int
) -> None:
    data = text.encode()
    output.write_bytes(data)
    piece, offset, next_offset, size = read_piece(output, -back, 1000, complete=True)
    assert (piece, next_offset, size) == (data[offset:].decode(), len(data), len(data))
    assert max(0, len(data) - back) <= offset <= max(0, len(data) - back) + 3


def test_a_character_whose_rest_is_not_there_yet_waits_for_it(output: Path) -> None:
    output.write_bytes("ä".encode()[:1])
    assert read_piece(output, 0, 100, complete=False) == ("", 0, 0, 1)
    output.write_bytes("ä".encode())
    assert read_piece(output, 0, 100, complete=False) == ("ä", 0, 2, 2)


def test_bytes_that_are_no_text_are_replaced_and_an_offset_beyond_the_end_is_the_end(output: Path) -> None:
    output.write_bytes(b"a\xffb")
    assert read_piece(output, 0, 100, complete=True)[0] == "a\N{REPLACEMENT CHARACTER}b"
    assert read_piece(output, 999, 100, complete=True) == ("", 3, 3, 3)


def test_no_file_is_no_text(output: Path) -> None:
    assert read_piece(output, -5, 100, complete=True) == ("", 0, 0, 0)


@each_example_overwrites
@given(data=st.binary(max_size=60), limit=st.integers(4, 20))
def test_any_bytes_are_read_to_their_end_once_nothing_more_can_come(
    output: Path, data: bytes, limit: int
) -> None:
    output.write_bytes(data)
    text, offset = "", 0
    while offset < len(data):
        piece, _, next_offset, _ = read_piece(output, offset, limit, complete=True)
        assert next_offset > offset
        text, offset = text + piece, next_offset
    assert text.isascii() or "\N{REPLACEMENT CHARACTER}" in text or text.encode() == data


def write_log(site: Site, job_id: str, attempt: int, data: bytes) -> None:
    path = RunDir.of(site.data_dir, job_id, attempt).output
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_a_log_is_read_piece_by_piece(site: Site) -> None:
    job_id = site.desk.running()
    write_log(site, job_id, 1, "step 1 · loss 0.5\n".encode() * 100)
    text, offset = "", 0
    while True:
        params = {"offset": offset, "limit": 50}
        page = site.get(f"/jobs/{job_id}/logs", "LogsAnswer", params=params)
        if page["next_offset"] == offset:
            break
        text, offset = text + page["text"], page["next_offset"]
    assert text == "step 1 · loss 0.5\n" * 100
    assert offset == page["size"]


def test_each_attempt_has_its_own_log(site: Site) -> None:
    job_id = site.desk.paused()
    write_log(site, job_id, 1, b"first")
    site.desk.resume(job_id)
    answer = site.get(f"/jobs/{job_id}/logs", "LogsAnswer")
    assert (answer["attempt"], answer["text"], answer["size"]) == (2, "", 0)
    assert site.get(f"/jobs/{job_id}/logs", "LogsAnswer", params={"attempt": 1})["text"] == "first"
    error = site.get(f"/jobs/{job_id}/logs", "Error", status=404, params={"attempt": 3})
    assert error["code"] == "not_found"


def test_an_offset_beyond_the_end_is_the_end(site: Site) -> None:
    job_id = site.desk.running()
    write_log(site, job_id, 1, b"12345")
    page = site.get(f"/jobs/{job_id}/logs", "LogsAnswer", params={"offset": 99})
    assert (page["text"], page["offset"], page["next_offset"]) == ("", 5, 5)


def test_numbers_that_make_no_sense_are_refused(site: Site) -> None:
    job_id = site.desk.running()
    for query in ("limit=3", "limit=1048577", "attempt=0", "offset=--1", "offset=1e3", "attempt=x"):
        error = site.get(f"/jobs/{job_id}/logs?{query}", "Error", status=422)
        assert error["field"] == query.partition("=")[0]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_a_script_put_in_the_logs_place_is_no_text_and_holds_up_nobody(
    output: Path, make: Callable[[Path], None]
) -> None:
    output.unlink(missing_ok=True)
    make(output)
    assert read_piece(output, 0, 100, complete=False) == ("", 0, 0, 0)


def test_a_link_in_the_logs_place_shows_nobody_another_file(output: Path) -> None:
    secret = output.with_name("secret")
    secret.write_text("the server's token")
    output.unlink(missing_ok=True)
    output.symlink_to(secret)
    assert read_piece(output, 0, 100, complete=False) == ("", 0, 0, 0)
