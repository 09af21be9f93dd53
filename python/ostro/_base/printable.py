"""Text of others on a terminal, as the binary shows it: what a terminal would obey is spelled out (`\\u001b`)."""

from __future__ import annotations

import re

#: Control characters, line separators, what sets the direction of text, and characters without a shape.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def line(text: object) -> str:
    """The text on one line."""
    return _HIDDEN.sub(lambda found: _SHORT.get(found[0]) or _spelled(found[0]), str(text))


def lines(text: object) -> str:
    """The same; line feeds stay."""
    return "\n".join(map(line, str(text).split("\n")))


def _spelled(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"
