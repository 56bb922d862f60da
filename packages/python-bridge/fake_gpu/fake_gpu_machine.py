"""Imported by every Python process of the tests' fake machine: there is a driver, times are short."""

import importlib
import json
from pathlib import Path

_settings = json.loads(Path(__file__).with_name("machine.json").read_text())

_driver = importlib.import_module("trainstop.gpu.driver")
setattr(_driver, "has_driver", lambda: True)  # noqa: B010
setattr(_driver, "in_container", lambda: _settings["container"])  # noqa: B010
setattr(_driver, "uses_device", lambda pid: _settings["uses_device"])  # noqa: B010

for _name, _constants in _settings["constants"].items():
    vars(importlib.import_module(_name)).update(_constants)
