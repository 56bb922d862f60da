"""Characters that no text from outside may bring along."""

from __future__ import annotations


def has_control_characters(text: str, *, besides: str = "") -> bool:
    """Whether a text holds control characters (terminals obey them) other than those of `besides`, or halves
    of surrogate pairs (no encoding takes them)."""
    return any(_is_control(ord(character)) and character not in besides for character in text)


def _is_control(point: int) -> bool:
    return point < 0x20 or 0x7F <= point < 0xA0 or 0xD800 <= point < 0xE000
