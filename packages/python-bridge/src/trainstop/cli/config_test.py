from __future__ import annotations

from pathlib import Path

import pytest

from trainstop.cli.main import main

EXAMPLE = Path(__file__).parents[5] / "examples" / "training" / "trainstop.toml"


def test_the_example_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--check", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out == f"{EXAMPLE}: good\n"


def test_a_mistake_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trainstop.toml"
    path.write_text("[log]\nformt = 'json'\n")
    assert main(["config", "--check", str(path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"trainstop: {path}: log.formt is not known; did you mean format?")
    assert told.count("\n") == 1


def test_what_is_printed_is_a_configuration_that_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "--config", str(EXAMPLE)]) == 0
    printed = capsys.readouterr().out
    path = tmp_path / "printed.toml"
    path.write_text(printed)
    assert main(["config", "--config", str(path)]) == 0
    assert capsys.readouterr().out == printed
    assert '[log]\nformat = "text"' in printed and "[templates.digits.params.epochs]" in printed
