from __future__ import annotations

import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.rundir.atomic_file import write_json_atomically
from trainstop.rundir.layout import KEPT_NAME, RunDir
from trainstop.server.routes.conftest import Site
from trainstop.server.routes.logs import read_piece
from trainstop.server.routes.output_size import size_of
from trainstop.shim.log_limit import LogLimit

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
    assert size_of(output) == 0


def test_a_fifo_in_the_notes_place_holds_up_nobody_who_reads_the_log(output: Path) -> None:
    """Four threads serve the store: four such logs, and the server answers nobody."""
    output.write_bytes(b"text")
    os.mkfifo(output.with_name(KEPT_NAME))
    assert read_piece(output, 0, 100, complete=True)[0] == "text"


def test_a_link_in_the_logs_place_shows_nobody_another_file(output: Path) -> None:
    secret = output.with_name("secret")
    secret.write_text("the server's token")
    output.unlink(missing_ok=True)
    output.symlink_to(secret)
    assert read_piece(output, 0, 100, complete=False) == ("", 0, 0, 0)
    assert size_of(output) == 0


def free(output: Path, first: int) -> None:
    """What the shim does to an output that has grown too large."""
    write_json_atomically(output.with_name(KEPT_NAME), {"from": first})
    with output.open("r+b") as file:
        file.write(bytes(first))


def test_an_offset_in_what_was_freed_starts_at_the_first_byte_that_is_kept(output: Path) -> None:
    output.write_bytes(b"old old\nnew\nnewer\n")
    free(output, 8)
    for offset in (0, 5, 7, 8, -1000, -18):
        assert read_piece(output, offset, 100, complete=True) == ("new\nnewer\n", 8, 18, 18)
    assert read_piece(output, 12, 100, complete=True) == ("newer\n", 12, 18, 18)
    assert read_piece(output, 0, 4, complete=False) == ("new\n", 8, 12, 18)


def test_a_cut_in_the_middle_of_a_character_goes_on_to_the_next(output: Path) -> None:
    text = "ä€𝄞b"
    for first in range(1, len(text.encode()) + 1):
        output.write_bytes(text.encode())
        free(output, first)
        piece, offset, _, _ = read_piece(output, 0, 100, complete=True)
        assert text.endswith(piece) and "\N{REPLACEMENT CHARACTER}" not in piece
        assert first <= offset <= first + 3


@pytest.mark.parametrize("noted", [b"", b"[]", b'{"from": "x"}', b'{"from": -3}', b'{"from": 1e400}'])
def test_a_note_that_makes_no_sense_frees_nothing(output: Path, noted: bytes) -> None:
    output.write_bytes(b"text")
    output.with_name(KEPT_NAME).write_bytes(noted)
    assert read_piece(output, 0, 100, complete=True)[0] == "text"


@pytest.mark.parametrize("place", [path for path in ("/dev/shm", "/tmp") if os.access(path, os.W_OK)])
def test_a_log_that_grows_and_loses_its_beginning_while_it_is_read_shows_no_byte_that_was_not_written(
    place: str,
) -> None:
    """A writer, the shim's limit, and a reader that is slower than both."""
    with tempfile.TemporaryDirectory(dir=place) as directory:
        run = RunDir(directory)
        over = threading.Event()

        def write() -> None:
            limit = LogLimit(run, 200_000, pytest.fail)
            with run.output.open("ab", buffering=0) as output:
                for block in range(400):
                    lines = range(block * 200, block * 200 + 200)
                    output.write(b"".join(f"step {number:08d} · loss\n".encode() for number in lines))
                    limit.keep()
            over.set()

        writer = threading.Thread(target=write)
        writer.start()
        offset, last, jumps, rest = 0, -1, 0, ""
        while True:
            complete = over.is_set()
            if not complete and size_of(run.output) - offset < 300_000:
                time.sleep(0.001)
                continue
            text, begin, next_offset, size = read_piece(run.output, offset, 50_000, complete=complete)
            if begin > offset:
                jumps, rest = jumps + 1, ""
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                match = re.fullmatch(r"step (\d{8}) · loss", line)
                assert match is not None, repr(line[:80])
                assert int(match[1]) == last + 1 if begin == offset else int(match[1]) > last
                last, offset = int(match[1]), begin
            offset = next_offset
            if complete and next_offset == size:
                break
        writer.join()
        assert last == 400 * 200 - 1 and rest == ""
        assert jumps > 0, "nothing was lost, so nothing was tried"


def test_a_log_that_was_truncated_from_outside_is_told_by_its_smaller_size(site: Site) -> None:
    job_id = site.desk.running()
    write_log(site, job_id, 1, b"a long text\n" * 100)
    with site.client.stream("GET", f"/jobs/{job_id}/events") as response:
        sizes = (
            json.loads(line[6:])["data"]["size"]
            for line in response.iter_lines()
            if line.startswith("data: ") and '"type":"log"' in line
        )
        assert next(sizes) == 1200
        path = RunDir.of(site.data_dir, job_id, 1).output
        os.truncate(path, 0)
        assert next(sizes) == 0
        with path.open("ab") as file:
            file.write(b"anew\n")
        assert next(sizes) == 5
    page = site.get(f"/jobs/{job_id}/logs", "LogsAnswer", params={"offset": 1200})
    assert (page["text"], page["offset"], page["size"]) == ("", 5, 5)
