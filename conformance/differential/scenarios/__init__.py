"""Importing this registers every scenario."""

from . import activities, bad_input, messages, relations, starts

__all__ = ["activities", "bad_input", "messages", "relations", "starts"]
