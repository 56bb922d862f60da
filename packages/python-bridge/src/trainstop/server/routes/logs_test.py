from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
