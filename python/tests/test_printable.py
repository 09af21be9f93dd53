"""What is shown of others' text."""

from __future__ import annotations

import json

import pytest
from ostro._base import printable


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("größe 漢字 \U0001f469\u200d\U0001f4bb", "größe 漢字 \U0001f469\u200d\U0001f4bb"),
        ("\x1b[2J\x9b1m\x7f", r"\u001b[2J\u009b1m\u007f"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\u202eevil\u2066\u200b\ufeff\udc80", r"\u202eevil\u2066\u200b\ufeff\udc80"),
        ("\U000e0041", r"\udb40\udc41"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(given: str, shown: str) -> None:
    assert printable.line(given) == shown


def test_lines_stay_lines_and_json_stays_json() -> None:
    assert printable.lines("a\n\x1bb") == "a\n\\u001bb"
    value = {"id": "\x9b\u202e\U000e0041"}
    assert json.loads(printable.line(json.dumps(value, ensure_ascii=False))) == value
