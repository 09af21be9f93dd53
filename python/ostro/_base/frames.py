"""Whose code a frame is: the program's, an installed library's, or ours."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path
from types import FrameType, TracebackType

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
_STANDARD = tuple({f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib")})
_INSTALLED = tuple({f"{sysconfig.get_path(name)}{os.sep}" for name in ("purelib", "platlib")})


def is_ours(file: str) -> bool:
    """Whether a file is of this package, or of Python's own library."""
    return file.startswith((_PACKAGE, "<frozen")) or (file.startswith(_STANDARD) and not file.startswith(_INSTALLED))


def is_library(file: str) -> bool:
    """Whether a file is not of the program: ours, or installed."""
    return is_ours(file) or file.startswith(_INSTALLED)


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of the program on the stack above `frame`; where all is installed, the nearest that is not ours."""
    second, start = None, frame
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_library(file):
            return frame
        if second is None and not is_ours(file):
            second = frame
        frame = frame.f_back
    return second or start


def place(frame: FrameType | None) -> str:
    """`file:line` of a frame."""
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def users_traceback(found: TracebackType | None) -> TracebackType | None:
    """A traceback from its first frame of the program on: what called that is ours."""
    first = found
    while found is not None and is_ours(found.tb_frame.f_code.co_filename):
        found = found.tb_next
    return first if found is None else found


def stack(frame: FrameType | None) -> str:
    """The stack that ends in `frame`, most recent call last, from its first frame of the program on."""
    found = traceback.extract_stack(frame)
    first = next((at for at, one in enumerate(found) if not is_ours(one.filename)), 0)
    return "".join(traceback.format_list(found[first:]))
