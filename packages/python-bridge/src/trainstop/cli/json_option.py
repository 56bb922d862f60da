from __future__ import annotations

import argparse


def add_json_option(parser: argparse.ArgumentParser, help: str = "the server's own objects as JSON") -> None:
    parser.add_argument("--json", action="store_true", help=help)
