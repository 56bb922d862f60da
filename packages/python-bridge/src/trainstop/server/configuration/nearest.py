"""What somebody may have meant by a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def not_known(name: str, known: Iterable[str]) -> str:
    """`is not known; did you mean x? Known here: …`"""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    listed = f"known here: {', '.join(names)}"
    return f"is not known; did you mean {near[0]}? ({listed})" if near else f"is not known; {listed}"
