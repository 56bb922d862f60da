from __future__ import annotations


class BackupError(Exception):
    """Nothing was changed. What is wrong and what to do, in one sentence."""
