"""`trainstop systemd`"""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from trainstop.cli.command import Command
from trainstop.cli.plain_error import MISUSED, PlainError

UNIT = """\
# trainstop.service, printed by `trainstop systemd`. To use it:
#   trainstop systemd … | sudo tee /etc/systemd/system/trainstop.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now trainstop
[Unit]
Description=Trainstop training server
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
User={user}
WorkingDirectory={directory}
ExecStart={command}
# Secrets and settings for training (WANDB_API_KEY=…), one a line; the dash lets the file be missing.
EnvironmentFile=-{environment_file}

# Only the server itself is ended with the unit. Training goes on through a restart, and the next server finds
# it again; systemd's default would kill every run whenever the server is updated.
KillMode=process
TimeoutStopSec=15
Restart=on-failure
RestartSec=2
# The server may make a cgroup for each run: one write ends all of it, an empty one proves its end.
Delegate=yes

# Enough descriptors for many streams and runs. Training needs many tasks and locked memory of its own.
LimitNOFILE=65536
LimitMEMLOCK=infinity
TasksMax=infinity
# When memory runs out, one process of one run goes, and not the unit with every run.
OOMPolicy=continue

# Hardening. It holds for training too, which the server starts, so it is little: /usr, /boot and /etc can't
# be written to. On purpose not here:
#   NoNewPrivileges, and whatever filters system calls and so implies it (ProtectKernelModules,
#     ProtectKernelLogs, ProtectHostname, RestrictSUIDSGID, RestrictNamespaces, LockPersonality,
#     MemoryDenyWriteExecute): CUDA loads its module by a setuid helper, containers need namespaces, and JIT
#     compilers write what they execute
#   PrivateDevices, DevicePolicy, and ProtectClock, which implies it: they hide the GPUs
#   ProtectControlGroups: undoes Delegate. PrivateTmp, RemoveIPC: a restart would take a run's files from it
#   ProtectHome, ProtectSystem=strict: data and checkpoints lie where you want them
#   PrivateNetwork, IPAddressDeny: NCCL and downloads
ProtectSystem=full

[Install]
WantedBy=multi-user.target
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", default=None, metavar="U", help="who it runs as (default: you)")
    parser.add_argument("--data", type=Path, default=Path(".trainstop"), metavar="DIR", help="as for serve")
    parser.add_argument("--config", type=Path, metavar="F", help="as for serve")
    parser.add_argument("--token-file", type=Path, metavar="F", help="as for serve")
    parser.add_argument("--host", default=None, help="as for serve")
    parser.add_argument("--port", default=None, help="as for serve")
    parser.add_argument(
        "--environment-file",
        type=Path,
        metavar="F",
        help="with the runs' variables (default: DIR/environment)",
    )


def _run(options: argparse.Namespace) -> int:
    print(unit(options), end="")
    return 0


def unit(options: argparse.Namespace) -> str:
    """The unit's text, every path absolute. Raises PlainError for what no unit can hold."""
    data = options.data.absolute()
    command = [sys.executable, "-m", "trainstop.cli", "serve", "--data", str(data)]
    for name in ("config", "token_file"):
        path = getattr(options, name)
        if path is not None:
            command += [f"--{name.replace('_', '-')}", str(path.absolute())]
    for name in ("host", "port"):
        if getattr(options, name) is not None:
            command += [f"--{name}", str(getattr(options, name))]
    return UNIT.format(
        user=_one_line(options.user or getpass.getuser()),
        directory=_escaped(str(data.parent)),
        command=" ".join(_word(word) for word in command),
        environment_file=_escaped(str((options.environment_file or data / "environment").absolute())),
    )


def _word(word: str) -> str:
    """A word of ExecStart, where systemd knows quotes, percents and dollars."""
    text = _escaped(word).replace("$", "$$")
    if any(each in text for each in (" ", "\\", "'", '"', ";")):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _escaped(text: str) -> str:
    return _one_line(text).replace("%", "%%")


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise PlainError(f"{text!r} can't stand in a unit; use a path without control characters.", MISUSED)
    return text


SYSTEMD = Command(
    "systemd",
    "print a unit for the server",
    "Print a systemd unit that runs this server: restarts leave training alone, and each run gets a cgroup "
    "of its own.",
    _add_arguments,
    _run,
)
