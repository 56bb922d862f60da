"""`exit.json`: how an attempt ended, as its shim left it."""

from __future__ import annotations

import logging
from typing import Any

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.layout import RunDir

log = logging.getLogger("trainstop.server.supervision")

_FIELDS = ("exit_code", "signal", "error", "main_exited_at", "tree_gone_at")


def read_exit_record(run: RunDir) -> dict[str, Any] | None:
    """The five fields of the record; None as long as there is none.

    One that was damaged, by a failing disk or by the job itself, counts as none: what nobody can read proves
    no end, and the job is then judged by its processes.
    """
    try:
        value = read_json(run.exit_record)
        if value is None:
            return None
        return _checked(value)
    except ValueError as error:
        log.error("%s was passed over: %s", run.exit_record, error)
        return None


def _checked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    record = {name: value.get(name) for name in _FIELDS}
    for name in ("exit_code", "signal"):
        if not (record[name] is None or type(record[name]) is int):
            raise ValueError(f"{name} must be a whole number or null")
    for name in ("error", "main_exited_at"):
        if not (record[name] is None or isinstance(record[name], str)):
            raise ValueError(f"{name} must be a string or null")
    if not isinstance(record["tree_gone_at"], str):
        raise ValueError("tree_gone_at must be a time")
    return record
