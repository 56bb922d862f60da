"""What a command of the command line is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    help: str
    """One line for the list of commands."""
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    """The exit status: 0 all is well, 1 it isn't, 2 the command line makes no sense. Imports what it needs
    itself, so that no command waits for the imports of another."""
