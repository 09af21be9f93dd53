"""The table of what both SDKs have names what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ostro import workflows
from ostro.workflows import testing

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(r"^\| ([^|`]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/reference/sdk-parity.md").read_text(), re.MULTILINE)
TABLE = [(what, rust.strip(), python.strip()) for what, rust, python in ROWS if not what.startswith("---") and what.strip()]


def test_the_table_is_read() -> None:
    assert len(TABLE) > 40
    assert all(rust != "-" or python != "-" for _what, rust, python in TABLE)


@pytest.mark.parametrize(("what", "name"), [(what, python.strip("`")) for what, _rust, python in TABLE if python != "-"])
def test_what_python_has_is_there(what: str, name: str) -> None:
    found: Any = {"testing": testing}.get(name.partition(".")[0]) or getattr(workflows, name.partition(".")[0])
    for part in name.split(".")[1:]:
        found = getattr(found, part) if hasattr(found, part) else found.__dataclass_fields__[part]
    assert found is not None, what


@pytest.mark.parametrize(("what", "name"), [(what, rust.strip("`")) for what, rust, _python in TABLE if rust != "-"])
def test_what_rust_has_is_there(what: str, name: str) -> None:
    file, _colon, function = name.partition(": ")
    sources = [path.read_text() for path in (ROOT / "crates/ostro/src").rglob(file)]
    assert any(re.search(rf"\bfn {function}\b", source) for source in sources), f"{what}: {name}"
