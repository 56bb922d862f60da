from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainstop.server.data_directory import DataDirectoryInUseError, claim


def test_a_directory_is_claimed_once_until_it_is_let_go(tmp_path: Path) -> None:
    first = claim(tmp_path)
    with pytest.raises(DataDirectoryInUseError, match="Another Trainstop server works in"):
        claim(tmp_path)
    os.close(first)
    os.close(claim(tmp_path))
