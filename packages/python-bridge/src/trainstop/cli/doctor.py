"""`trainstop doctor`"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from trainstop.cli.command import Command
from trainstop.cli.doctor_checks import clock, disk, gpu, graces, server, system
from trainstop.cli.doctor_checks.finding import Finding, failed
from trainstop.cli.serve import port_number
from trainstop.cli.server_choice import DEFAULT_DATA

GRACE_SECONDS = 60.0
"""The server's default."""
SIGNS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}
COLOURS = {"ok": "32", "warning": "33", "failed": "31"}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(DEFAULT_DATA),
        metavar="DIR",
        help="as for serve (default: %(default)s)",
    )
    parser.add_argument("--config", type=Path, metavar="F", help="as for serve")
    parser.add_argument("--host", default="127.0.0.1", help="as for serve (default: %(default)s)")
    parser.add_argument("--port", type=port_number, default=8321, help="as for serve (default: %(default)s)")
    parser.add_argument(
        "--json", action="store_true", help="{usable, findings: [{name, state, sentence, follows}]}"
    )


def _run(options: argparse.Namespace) -> int:
    findings = list(examine(options.data, options.config, options.host, options.port))
    usable = all(finding.state != "failed" for finding in findings)
    if options.json:
        print(json.dumps({"usable": usable, "findings": [finding.wire() for finding in findings]}))
        return 0 if usable else 1
    colours = (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    )
    for finding in findings:
        sign = f"{SIGNS[finding.state]:<8}"
        print(f"\x1b[{COLOURS[finding.state]}m{sign}\x1b[0m" if colours else sign, end="")
        print(f"{finding.name:<15} {finding.sentence}")
        if finding.follows is not None:
            print(f"{'':<24}{finding.follows}")
    warnings = sum(finding.state == "warning" for finding in findings)
    notes = f" {warnings} warning{'s' if warnings > 1 else ''}." if warnings else ""
    print(f"\nThis machine is {'ready' if usable else 'not ready'} for Trainstop.{notes}")
    return 0 if usable else 1


def examine(data_dir: Path, config: Path | None, host: str, port: int) -> Iterator[Finding]:
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("python", system.python),
        ("kernel", system.kernel),
        ("packages", server.packages),
        *([] if config is None else [("configuration", lambda: server.configuration(config))]),
        ("subreaper", system.subreaper),
        ("pidfd", system.pidfd),
        ("cgroup", system.cgroup),
        ("gpu", gpu.gpu),
        ("disk", lambda: disk.free_space(data_dir)),
        ("file system", lambda: disk.file_system(data_dir)),
        ("writing", lambda: disk.writing(data_dir)),
        ("data directory", lambda: disk.permissions(data_dir)),
        ("store", lambda: server.store(data_dir)),
        ("port", lambda: server.port(host, port, data_dir)),
        ("open files", server.open_files),
        ("clock", clock.clock),
        ("graces", lambda: graces.graces(_grace_of(config), os.environ)),
    ]
    for name, check in checks:
        try:
            yield check()
        except Exception as error:
            yield failed(
                name, f"This could not be looked at: {error}.", "Tell us about it; the rest was looked at."
            )


def _grace_of(config: Path | None) -> float:
    if config is None:
        return GRACE_SECONDS
    try:
        return float(tomllib.loads(config.read_text()).get("server", {}).get("grace_seconds", GRACE_SECONDS))
    except (OSError, ValueError, AttributeError, TypeError):
        return GRACE_SECONDS  # what is wrong with it is a finding of its own


DOCTOR = Command(
    "doctor",
    "what this machine can do",
    "Look at this machine, and say what works, what does not, and what follows. Exit code 0: the server "
    "will work; "
    "warnings are no failure. 1: something will not work.",
    _add_arguments,
    _run,
)
