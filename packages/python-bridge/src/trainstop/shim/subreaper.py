"""Become the parent of every orphan among one's descendants, however it tried to get away."""

from __future__ import annotations

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> bool:
    """True: from now on, having no child proves that no descendant is left. False: this system can't do it.

    Not inherited by children, as the job must not adopt anybody.
    """
    try:
        import ctypes

        argument = ctypes.c_ulong
        prctl = ctypes.CDLL(None).prctl
        return bool(prctl(_PR_SET_CHILD_SUBREAPER, argument(1), argument(0), argument(0), argument(0)) == 0)
    except (ImportError, OSError, AttributeError):  # a Python without ctypes, a system without prctl
        return False
