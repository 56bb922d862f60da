from __future__ import annotations

import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trainstop.server.security.worker_token import KEY_BYTES, WORKER_TOKEN, WorkerTokens, read_worker_key

TOKENS = WorkerTokens(b"k" * KEY_BYTES)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
attempts = st.integers(1, 999_999_999)


@given(ids, attempts)
def test_a_token_is_that_of_its_run(job_id: str, attempt: int) -> None:
    token = TOKENS.token(job_id, attempt)
    assert TOKENS.run_of(token) == (job_id, attempt)
    assert WORKER_TOKEN.fullmatch(token) and token.isprintable() and " " not in token


@given(ids, attempts, ids, attempts)
def test_and_made_into_no_others(job_id: str, attempt: int, other: str, another: int) -> None:
    token = TOKENS.token(job_id, attempt)
    seal = token.rpartition(".")[2]
    forged = f"tsw_{other}.{another}.{seal}"
    assert forged == token or TOKENS.run_of(forged) is None
    assert WorkerTokens(b"K" * KEY_BYTES).run_of(token) is None


@given(ids, attempts, st.data())
def test_one_other_character_and_it_is_none(job_id: str, attempt: int, data: st.DataObject) -> None:
    token = TOKENS.token(job_id, attempt)
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    assert TOKENS.run_of(changed) is None


def test_the_key_is_made_once_for_its_owner_alone_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "worker-key"
    key = read_worker_key(path)
    assert len(key) == KEY_BYTES and read_worker_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"torn")
    assert len(read_worker_key(path)) == KEY_BYTES
    assert "k" * 8 not in repr(TOKENS)
