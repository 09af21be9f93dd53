"""Tables of what was tried, written into a page between two marks."""

from __future__ import annotations

from pathlib import Path


def write(page: Path, mark: str, lines: list[str]) -> None:
    """Puts `lines` between `<!-- mark -->` and `<!-- /mark -->`."""
    text = page.read_text()
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    page.write_text("\n".join([before + begin, *lines, end + after]))
