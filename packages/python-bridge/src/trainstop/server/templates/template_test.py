from __future__ import annotations

import pytest

from trainstop.server.templates.param import Param, ParamError, Value
from trainstop.server.templates.template import Template


def template(*command: str) -> Template:
    params = {
        **{name: Param(name, "string", name, "") for name in ("a", "b")},
        "n": Param("n", "number", "n", 0),
    }
    return Template("t", "t", None, command, "/", {}, params)


def argv(*command: str, **values: Value) -> list[str]:
    return template(*command).argv({"a": "", "b": "", "n": 0, **values}, "python3")


@pytest.mark.parametrize(
    ("word", "values", "blamed"),
    [
        ("{a}", {"a": "--help"}, "a"),
        ("{a}{b}", {"a": "-", "b": "x"}, "a"),
        ("{a}{b}", {"b": "-x"}, "b"),
        ("{a}.csv", {"a": "--out=/etc/passwd"}, "a"),
        ("{a}{n}", {"a": "-n"}, "a"),
    ],
)
def test_no_text_makes_an_option_of_a_word(word: str, values: dict[str, Value], blamed: str) -> None:
    with pytest.raises(ParamError, match=f'^The parameter {blamed} must not begin with "-".$'):
        argv("train", word, **values)


def test_what_the_operator_wrote_before_it_is_no_option_of_the_texts_own() -> None:
    words = argv("train", "--name={a}", "x{a}", "-{b}", "{n}", "{n}{a}", a="-v", b="-v", n=-3)
    assert words == ["train", "--name=-v", "x-v", "--v", "-3", "-3-v"]
