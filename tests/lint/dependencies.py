"""Fails on a dependency that deny.toml does not let through: its licence, a second version of it, where it comes from.

    python3 tests/lint/dependencies.py

`cargo deny` checks the same and advisories besides; this needs nothing but cargo.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression, `/` for OR among them, leaves a choice that is allowed."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    words: list[str] = []
    for token in tokens:
        if words and words[-1].endswith(" WITH"):
            words[-1] += f" {token}"
        elif token == "WITH":
            words[-1] += " WITH"
        else:
            words.append(token)
    joints = {"AND": " and ", "OR": " or ", "(": "(", ")": ")"}
    # Nothing but the words True, False, and, or, and brackets.
    choice = "".join(joints.get(word, str(word in allowed)) for word in words)
    return bool(eval(choice, {"__builtins__": {}}))


def licence_problem(package: dict[str, Any], allowed: set[str]) -> str | None:
    """Why a package's licence does not do."""
    expression = package["license"]
    if expression is None and package["license_file"]:
        text = (Path(package["manifest_path"]).parent / package["license_file"]).read_text(encoding="utf-8")
        expression = "MIT" if "MIT License" in text.splitlines()[0] else None
    if expression is None or not is_allowed(expression, allowed):
        return f"{package['name']} {package['version']}: its licence, {expression}, is not allowed"
    return None


def problems(packages: list[dict[str, Any]], rules: dict[str, Any]) -> list[str]:
    """What is not let through."""
    foreign = [package for package in packages if package["source"]]
    allowed = set(rules["licenses"]["allow"])
    found = [problem for package in foreign if (problem := licence_problem(package, allowed))]
    found += [f"{package['name']} comes from {package['source']}" for package in foreign if package["source"] != REGISTRY]
    versions: dict[str, set[str]] = defaultdict(set)
    for package in packages:
        versions[package["name"]].add(package["version"])
    twice = {name for name, of_it in versions.items() if len(of_it) > 1}
    skipped = {entry["crate"] for entry in rules["bans"]["skip"]}
    found += [
        f"{name} is there in {len(versions[name])} versions: {', '.join(sorted(versions[name]))}"
        for name in sorted(twice - skipped)
    ]
    found += [f"{name} is there once only: strike it out of deny.toml" for name in sorted(skipped - twice)]
    return found


def main() -> int:
    """Looks at all packages of the lock file."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    found = problems(metadata["packages"], tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8")))
    print("\n".join(found) or f"{len(metadata['packages'])} packages: licences, versions and sources as deny.toml has them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
