"""Importing this registers every scenario."""

from . import (
    activities,
    bad_input,
    batches,
    deployments,
    generated,
    messages,
    nexus,
    operators,
    pauses,
    relations,
    resets,
    settings,
    standalone,
    standalone_nexus,
    starts,
    update_with_starts,
)

__all__ = [
    "activities",
    "bad_input",
    "batches",
    "deployments",
    "generated",
    "messages",
    "nexus",
    "operators",
    "pauses",
    "relations",
    "resets",
    "settings",
    "standalone",
    "standalone_nexus",
    "starts",
    "update_with_starts",
]
