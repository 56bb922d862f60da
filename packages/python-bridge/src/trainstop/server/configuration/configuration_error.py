from __future__ import annotations


class ConfigurationError(Exception):
    """What is wrong with which key of which file, and what to do, in one sentence."""
