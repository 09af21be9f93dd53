"""The numbers by which the Rust half (`core/src`) and this one know jobs, commands, outcomes and failures."""

from __future__ import annotations


class Job:
    """Kinds of activation jobs (`activation.rs`)."""

    INITIALIZE = 0
    FIRE_TIMER = 1
    RANDOM_SEED = 2
    QUERY = 3
    CANCEL = 4
    SIGNAL = 5
    RESOLVE_ACTIVITY = 6
    HAS_PATCH = 7
    CHILD_STARTED = 8
    CHILD_RESOLVED = 9
    SIGNAL_SENT = 10
    CANCEL_SENT = 11
    UPDATE = 12
    REMOVE = 13


class Command:
    """Kinds of commands (`command.rs`)."""

    START_TIMER = 1
    CANCEL_TIMER = 2
    SCHEDULE_ACTIVITY = 3
    SCHEDULE_LOCAL_ACTIVITY = 4
    CANCEL_ACTIVITY = 5
    CANCEL_LOCAL_ACTIVITY = 6
    COMPLETE = 7
    FAIL = 8
    CONTINUE_AS_NEW = 9
    CANCELLED = 10
    QUERY_RESULT = 11
    UPDATE_RESPONSE = 12
    PATCH = 13
    START_CHILD = 14
    CANCEL_CHILD = 15
    SIGNAL_EXTERNAL = 16
    CANCEL_EXTERNAL = 17
    CANCEL_SIGNAL = 18
    UPSERT_SEARCH_ATTRIBUTES = 19
    UPSERT_MEMO = 20


class Outcome:
    """What became of an operation."""

    COMPLETED = 0
    FAILED = 1
    CANCELLED = 2
    BACKOFF = 3
    #: Of an activity: it is completed from outside.
    LATER = 3


class FailureKind:
    """Kinds of failures (`failure.rs`)."""

    PLAIN = 0
    APPLICATION = 1
    TIMEOUT = 2
    CANCELED = 3
    TERMINATED = 4
    SERVER = 5
    ACTIVITY = 6
    CHILD = 7
