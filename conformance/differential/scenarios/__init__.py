"""Importing this registers every scenario."""

from . import activities, bad_input, batches, messages, nexus, operators, relations, resets, starts, update_with_starts

__all__ = [
    "activities",
    "bad_input",
    "batches",
    "messages",
    "nexus",
    "operators",
    "relations",
    "resets",
    "starts",
    "update_with_starts",
]
