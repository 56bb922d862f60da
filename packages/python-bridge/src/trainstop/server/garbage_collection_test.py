from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc
import trainstop.server.serving
from trainstop.server.garbage_collection import exempt_what_is_loaded

loaded = len(gc.get_objects())
exempt_what_is_loaded()
print(loaded, len(gc.get_objects()), gc.isenabled())
"""


def test_a_full_collection_no_longer_goes_through_what_was_loaded() -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    loaded, left, enabled = told.stdout.split()
    assert int(loaded) > 50_000
    assert int(left) < int(loaded) / 100
    assert enabled == "True"
