"""What an exception says, whatever it is: nothing here raises, and every text is one that the protocol carries.

An exception is code of the program: its `__str__` may raise, its text may hold half a character, its causes may go in a circle.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

from . import frames
from .errors import Failure

#: Of one message; what is longer is cut, and says so. In characters.
MESSAGE_CHARS_MAX = 16 * 1024
#: Of one stack. In characters.
STACK_CHARS_MAX = 32 * 1024
#: A chain of causes is cut here, in its middle: the first ones and the root are kept.
CAUSES_MAX = 20
#: Members of an exception group that are named.
_MEMBERS_MAX = 10
_LINKS_MAX = 100_000

try:
    _Group: Any = BaseExceptionGroup
except NameError:  # Python 3.10
    _Group = ()


def plain(text: Any, limit: int = MESSAGE_CHARS_MAX) -> str:
    """`text` as text that UTF-8 carries: half characters are escaped, and what is over `limit` is cut from the middle."""
    try:
        text = text if isinstance(text, str) else str(text)
        if len(text) > limit:
            kept = limit * 3 // 4
            left_out = len(text) - limit
            text = f"{str.__getitem__(text, slice(kept))} [... {left_out} characters left out ...] {text[kept - limit :]}"
        return str.encode(text, "utf-8", "backslashreplace").decode()
    except BaseException as broken:
        return f"<a text that raised {type_name(broken)}>"


def type_name(error: BaseException) -> str:
    """The name of its class."""
    try:
        return str.encode(type.__getattribute__(type(error), "__name__"), "utf-8", "backslashreplace").decode()
    except BaseException:
        return "Exception"


def message(error: BaseException) -> str:
    """What it says; of a group, also what its members say."""
    try:
        text: Any = error.message if isinstance(error, Failure) else str(error)
    except BaseException as broken:
        return f"<{type_name(error)}: its text cannot be read, __str__ raised {type_name(broken)}>"
    found = plain(text)
    if isinstance(error, _Group):
        named = [f"{type_name(member)}: {plain(message(member), 500)}" for member in members(error)[:_MEMBERS_MAX]]
        found = f"{found}: {'; '.join(named)}"
    return found


def members(error: BaseException) -> list[BaseException]:
    """Those of an exception group; none for others."""
    try:
        return list(error.exceptions) if isinstance(error, _Group) else []
    except BaseException:
        return []


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group and in the groups within it; of another exception, itself."""
    waiting, seen = [error], 0
    while waiting and seen < _LINKS_MAX:
        one = waiting.pop()
        seen += 1
        inner = members(one)
        if inner:
            waiting.extend(reversed(inner))
        else:
            yield one


def is_final(error: BaseException) -> bool:
    """Whether it says that another attempt would not help; of a group, whether one of its members does."""
    try:
        return any(bool(getattr(leaf, "non_retryable", False)) for leaf in leaves(error))
    except BaseException:
        return False


def stack(error: BaseException, limit: int = STACK_CHARS_MAX) -> str:
    """Where it was raised; of a group, also where its members were."""
    try:
        known = getattr(error, "stack_trace", "")
        if known:
            return plain(known, limit)
        found = "".join(traceback.format_tb(frames.users_traceback(error.__traceback__)))
        for number, member in enumerate(members(error)[:_MEMBERS_MAX], 1):
            found += f"{number}. {type_name(member)}: {plain(message(member), 500)}\n{stack(member, limit)}"
        return plain(found, limit)
    except BaseException as broken:
        return f"<its traceback cannot be written: {type_name(broken)}>"


def chain(error: BaseException) -> tuple[list[BaseException], int]:
    """It and its causes, outermost first, at most `CAUSES_MAX`; how many were left out before the last one."""
    found: list[BaseException] = []
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen and len(found) < _LINKS_MAX:
        seen.add(id(one))
        found.append(one)
        one = _cause(one)
    left_out = len(found) - CAUSES_MAX
    return (found, 0) if left_out <= 0 else ([*found[: CAUSES_MAX - 1], found[-1]], left_out)


def _cause(error: BaseException) -> BaseException | None:
    try:
        found: Any = error.__cause__
        if found is None and not error.__suppress_context__:
            found = error.__context__
        if found is None:
            found = next(iter(members(error)), None)
        return found if isinstance(found, BaseException) else None
    except BaseException:
        return None
