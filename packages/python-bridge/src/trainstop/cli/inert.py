"""Text from elsewhere, made harmless for a terminal: colours may stay, nothing else is obeyed."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erasing
    "|\x1b[\\]PX^_].*?(?:\x07|\x1b\\\\|\x9c)"  # OSC, DCS, SOS, PM, APC with what they hold
    "|\x1b[ -/]*[0-~]",  # other sequences
    re.DOTALL,
)
_UNFINISHED = re.compile("\x1b(?:\\[[0-?]*[ -/]*|[\\]PX^_][^\x07\x1b\x9c]*\x1b?|[ -/]*)?\\Z", re.DOTALL)
_COLOUR = re.compile("\x1b\\[([0-9;:]*)m")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
RESET = "\x1b[0m"
LONGEST_WAIT = 4096
"""Characters of an unfinished sequence that are held back; what is longer is no sequence."""


def one_line(text: object) -> str:
    """For names, notes and paths: no escape, no control character, no line break."""
    return _CONTROL.sub("", _ESCAPE.sub("", str(text))).replace("\n", " ").replace("\t", " ")


class InertLog:
    """A log as it comes, piece by piece."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours
        self._held = ""

    def feed(self, piece: str) -> str:
        text = self._held + piece
        self._held = ""
        unfinished = _UNFINISHED.search(text)
        if unfinished is not None and len(text) - unfinished.start() <= LONGEST_WAIT:
            self._held, text = text[unfinished.start() :], text[: unfinished.start()]
        if text.endswith("\r"):  # half of a line break, perhaps
            self._held, text = "\r" + self._held, text[:-1]
        return self._inert(text)

    def end(self) -> str:
        """What was held back, and the colours as they were."""
        text, self._held = self._held, ""
        return self._inert(text) + (RESET if self._colours else "")

    def _inert(self, text: str) -> str:
        # A lone carriage return would let a line be written over: progress bars get a line each.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        kept = []
        end = 0
        for match in _ESCAPE.finditer(text):
            kept.append(_CONTROL.sub(_shown, text[end : match.start()]))
            kept.append(self._colour(match[0]))
            end = match.end()
        kept.append(_CONTROL.sub(_shown, text[end:]))
        return "".join(kept)

    def _colour(self, escape: str) -> str:
        match = _COLOUR.fullmatch(escape)
        return escape if match is not None and self._colours and not _hides(match[1]) else ""


def _hides(parameters: str) -> bool:
    """Whether 8 (conceal) is among them; after 38, 48 and 58 come parts of a colour."""
    words = re.split("[;:]", parameters)
    while words:
        word = words.pop(0)
        if word in ("38", "48", "58"):
            kind = words.pop(0) if words else ""
            del words[: {"5": 1, "2": 3}.get(kind, 0)]
        elif word.lstrip("0") == "8":
            return True
    return False


def _shown(match: re.Match[str]) -> str:
    point = ord(match[0])
    return f"^{chr(point ^ 0x40)}" if point < 0x80 else ""
