"""Rust as far as it must be read to be measured: crates, modules, functions, and what imports what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[2]
# Comments, raw strings, strings, characters: what may hold braces and names that are no code.
TOKENS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\])'""",
    re.DOTALL | re.VERBOSE,
)
FUNCTION = re.compile(r"\bfn\s+(\w+)")
TEST_MODULE = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?(?:mod|impl|fn|use)\b[^;{]*")
TEST_FILE = re.compile(r"#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+);")
PATH = re.compile(r"\b(crate|super|self)((?:::\w+)*)(::\{)?")
STRING_TYPE = re.compile(r"^(?:&(?:'\w+\s+)?(?:mut\s+)?)?(?:str|String)$|^impl\s+(?:Into|AsRef)<(?:String|str)>$")
PUBLIC = re.compile(r"^\s*pub\s+(?:async\s+|const\s+|unsafe\s+)*(?:fn|struct|enum|trait|type|const|static|mod|use)\b", re.MULTILINE)
IMPL = re.compile(r"^impl\b", re.MULTILINE)


def blanked(text: str) -> str:
    """The text with comments, strings and characters as spaces; lines stay."""
    return TOKENS.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def closing(code: str, opening: int) -> int:
    """Where the bracket closes that opens at `opening`."""
    pairs = {"{": "}", "(": ")", "[": "]"}
    depth = 0
    for position in range(opening, len(code)):
        if code[position] in pairs:
            depth += 1
        elif code[position] in pairs.values():
            depth -= 1
            if depth == 0:
                return position
    return len(code) - 1


def tests_blanked(code: str) -> str:
    """The code without what only tests compile."""
    for match in reversed(list(TEST_MODULE.finditer(code))):
        end = match.end()
        if end < len(code) and code[end] == "{":
            end = closing(code, end)
        code = code[: match.start()] + re.sub(r"[^\n]", " ", code[match.start() : end + 1]) + code[end + 1 :]
    return code


@dataclass(frozen=True)
class Function:
    """One function with a body."""

    name: str
    line: int
    lines: int
    strings: int
    """How many of its arguments are texts."""


@dataclass(frozen=True)
class File:
    """A source file of a crate, as code: without comments, strings and tests."""

    path: Path
    module: tuple[str, ...]
    """Its path in the crate; empty for the root."""
    text: str
    code: str
    is_test: bool

    @property
    def lines(self) -> int:
        """Lines as an editor counts them."""
        return self.text.count("\n")

    @property
    def test_lines(self) -> int:
        """Lines that only tests compile."""
        if self.is_test:
            return self.lines
        whole = blanked(self.text).split("\n")
        return sum(1 for before, after in zip(whole, self.code.split("\n"), strict=True) if before.strip() and not after.strip())

    def functions(self) -> Iterator[Function]:
        """Its functions that have a body."""
        for match in FUNCTION.finditer(self.code):
            opening = self.code.find("(", match.end())
            if opening < 0:
                continue
            end_of_arguments = closing(self.code, opening)
            body = re.compile(r"[{;]").search(self.code, end_of_arguments)
            if body is None or body.group() == ";":
                continue
            end = closing(self.code, body.start())
            arguments = split_arguments(self.code[opening + 1 : end_of_arguments])
            types = [argument.split(":", 1)[1].strip() for argument in arguments if ":" in argument]
            first = self.code.count("\n", 0, match.start())
            lines = self.code.count("\n", match.start(), end) + 1
            yield Function(match.group(1), first + 1, lines, sum(1 for of in types if STRING_TYPE.match(of)))

    def methods(self) -> Iterator[tuple[str, int]]:
        """The types it implements methods for, with how many."""
        for match in IMPL.finditer(self.code):
            body = self.code.find("{", match.end())
            if body < 0:
                continue
            header = re.sub(r"<[^<>]*>", "", re.sub(r"<[^<>]*>", "", self.code[match.end() : body]))
            if " for " in header:
                continue
            name = re.match(r"\s*(?:dyn\s+)?([\w:]+)", header)
            if name:
                yield name.group(1).split("::")[-1], len(FUNCTION.findall(self.code[body : closing(self.code, body)]))


def split_arguments(text: str) -> list[str]:
    """The arguments of a function, split at the commas between them."""
    arguments, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character in "(<[{":
            depth += 1
        elif character in ")]}" or (character == ">" and text[position - 1] != "-"):
            depth -= 1
        elif character == "," and depth == 0:
            arguments.append(text[start:position])
            start = position + 1
    return [argument.strip() for argument in [*arguments, text[start:]] if argument.strip()]


def leaves(code: str, opening: int) -> Iterator[str]:
    """The first names in the braces of a `use`: `a` and `b` of `{a, b::{c, d}}`."""
    for entry in split_arguments(code[opening + 1 : closing(code, opening)]):
        name = re.match(r"\w+", entry)
        if name:
            yield name.group()


@dataclass
class Crate:
    """A crate of the workspace."""

    name: str
    root: Path
    files: list[File] = field(default_factory=list)

    @property
    def sources(self) -> list[File]:
        """Files that are not tests."""
        return [file for file in self.files if not file.is_test]

    def modules(self) -> dict[str, set[str]]:
        """Its top-level modules, each with those that it imports. What only tests compile does not count."""
        tops = {file.module[0] for file in self.sources if file.module}
        exported = self._exported(tops)
        imports: dict[str, set[str]] = {top: set() for top in tops}
        for file in self.sources:
            if file.module:
                used = {exported.get(name, name) for name in self._names(file)}
                imports[file.module[0]] |= (used & tops) - {file.module[0]}
        return imports

    def _exported(self, tops: set[str]) -> dict[str, str]:
        """Names that the root takes from a module, as `crate::Name`."""
        exported: dict[str, str] = {}
        for file in self.sources:
            if file.module:
                continue
            for match in re.finditer(r"\buse\s+(?:crate::|self::)?(\w+)::([^;]+);", file.code):
                if match.group(1) in tops:
                    exported |= dict.fromkeys(re.findall(r"\w+", match.group(2)), match.group(1))
        return {name: top for name, top in exported.items() if name not in tops}

    def _names(self, file: File) -> Iterator[str]:
        """The first name under the crate's root of every path in the file."""
        for match in PATH.finditer(file.code):
            steps = [match.group(1), *match.group(2).split("::")[1:]]
            base: tuple[str, ...] = () if steps[0] == "crate" else file.module
            rest = steps[1:] if steps[0] != "super" else steps
            while rest and rest[0] == "super":
                base, rest = base[:-1], rest[1:]
            if base:
                yield base[0]
            elif rest:
                yield rest[0]
            elif match.group(3):
                yield from leaves(file.code, match.end() - 1)


def module_of(crate: Path, path: Path) -> tuple[str, ...]:
    """The path of a file's module in its crate."""
    parts = path.relative_to(crate).with_suffix("").parts
    return tuple(part for part in parts[1:] if part not in ("mod", "lib", "main"))


def read(crate: Path, path: Path, tests: set[tuple[str, ...]]) -> File:
    """One file of a crate, with the modules that are declared for tests only."""
    text = path.read_text(encoding="utf-8")
    module = module_of(crate, path)
    above = {module[:end] for end in range(1, len(module) + 1)}
    is_test = path.relative_to(crate).parts[0] != "src" or bool(above & tests)
    code = blanked(text)
    return File(path, module, text, code if is_test else tests_blanked(code), is_test)


def test_modules(crate: Path, paths: list[Path]) -> set[tuple[str, ...]]:
    """Modules in files of their own that only tests compile."""
    return {
        (*module_of(crate, path), match.group(1))
        for path in paths
        for match in TEST_FILE.finditer(blanked(path.read_text(encoding="utf-8")))
    }


def crates() -> list[Crate]:
    """The crates of the workspace, in its order."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    found = []
    for member in manifest["workspace"]["members"]:
        root = ROOT / member
        name = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8"))["package"]["name"]
        paths = sorted(path for top in ("src", "tests") for path in (root / top).rglob("*.rs"))
        tests = test_modules(root, paths)
        found.append(Crate(name, root, [read(root, path, tests) for path in paths]))
    return found
