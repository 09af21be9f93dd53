"""A module of a program that workflow code uses: it imported a clock by its name."""

from time import monotonic


def elapsed() -> float:
    return monotonic()
