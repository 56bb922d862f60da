from __future__ import annotations

import logging
from pathlib import Path

import pytest

from trainstop.server.security.redaction import Redaction
from trainstop.server.security.token import Token, TokenError, read_token


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = read_token(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(token.value) >= 32
    assert read_token(path).value == token.value
    assert read_token(tmp_path / "other").value != token.value


@pytest.mark.parametrize(
    "content", ["", "short", "with spaces in it, many of them", "ü" * 20, "a" * 20 + "\nb"]
)
def test_a_token_file_that_holds_no_token_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(TokenError, match=str(path)):
        read_token(path)


def test_a_token_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="can't be made"):
        read_token(tmp_path / "missing" / "token")


def test_a_token_file_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token"
    path.write_text("x" * 20)
    path.chmod(0o644)
    read_token(path)
    assert "chmod 600" in caplog.text and "x" * 20 not in caplog.text


def test_a_token_admits_only_itself_and_shows_itself_to_nobody() -> None:
    token = Token("secret-token-value")
    assert token.admits(b"Bearer secret-token-value")
    assert token.admits(b"bearer  secret-token-value ")
    assert not token.admits(None)
    assert not token.admits(b"Bearer secret-token-valu")
    assert "secret" not in repr(token) and "secret" not in str(token)


def test_no_secret_and_no_terminal_escape_gets_into_the_log() -> None:
    formatter = Redaction(["secret-token-value"])
    message = "Bearer abc.def and secret-token-value at \x1b[2J\r\nGET"
    record = logging.LogRecord("a", logging.INFO, "", 0, message, (), None)
    text = formatter.format(record)
    assert "abc.def" not in text and "secret-token-value" not in text
    assert text.isprintable()


def test_stack_traces_keep_their_lines_but_no_secret() -> None:
    formatter = Redaction(["secret-token-value"])
    try:
        raise ValueError("secret-token-value")
    except ValueError as error:
        trace = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "", 0, "failed", (), trace)
    text = formatter.format(record)
    assert "Traceback" in text and "\n" in text and "secret-token-value" not in text
