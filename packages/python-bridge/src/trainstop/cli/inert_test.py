from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainstop.cli.inert import RESET, InertLog, one_line

ALLOWED = re.compile("\x1b\\[[0-9;:]*m")
PIECES = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.sampled_from(
            [
                "\x1b",
                "\x1b[",
                "31m",
                "\x1b[2J",
                "\x1b]0;t\x07",
                "\x1b]8;;x\x1b\\",
                "\x1bP",
                "\r",
                "\r\n",
                "\x9b2J",
                "\x1bc",
            ]
        ),
    )
)


def inert(*pieces: str, colours: bool = True) -> str:
    log = InertLog(colours=colours)
    return ("".join(log.feed(piece) for piece in pieces) + log.end()).removesuffix(RESET)


@given(pieces=PIECES)
def test_whatever_comes_however_cut_nothing_but_colours_is_obeyed(pieces: list[str]) -> None:
    shown = ALLOWED.sub("", inert(*pieces))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert "\x1b" not in inert(*pieces, colours=False)


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cs"])), at=st.integers(0, 50))
def test_plain_text_stays_as_it_is_however_it_is_cut(text: str, at: int) -> None:
    assert inert(text[:at], text[at:]) == text


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["\x1b[31mred\x1b[0m"], "\x1b[31mred\x1b[0m"),
        (["\x1b[3", "1mred"], "\x1b[31mred"),
        (["a\x1b[2J\x1b[Hb"], "ab"),
        (["a\x1b]0;ti", "tle\x07b"], "ab"),
        (["a\x1b]8;;http://evil\x1b", "\\b"], "ab"),
        (["fake\rreal"], "fake\nreal"),
        (["a\r", "\nb"], "a\nb"),
        (["\x1b[8mhidden\x1b[0m"], "hidden\x1b[0m"),
        (["\x1b[38;5;8mgrey"], "\x1b[38;5;8mgrey"),
        (["a\x07\x08b"], "a^G^Hb"),
        (["a\u202eb"], "ab"),
    ],
)
def test_what_each_becomes(pieces: list[str], shown: str) -> None:
    assert inert(*pieces) == shown


def test_an_unfinished_sequence_does_not_hold_back_a_log_for_ever() -> None:
    log = InertLog(colours=True)
    assert "the end" in log.feed("\x1b]0;" + "x" * 10_000 + "the end")


def test_a_name_stays_on_its_line() -> None:
    assert one_line("a\x1b[2J\nb\tc\x1b]0;x\x07") == "a b c"
