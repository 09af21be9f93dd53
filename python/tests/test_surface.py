"""The table of the original's names says what is true."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from ostro import workflows

ROOT = Path(__file__).resolve().parents[2]
NAMES = (Path(__file__).parent / "data" / "original-names.txt").read_text().split()
TABLE = dict(
    re.findall(r"^\| `([^`]+)` \| (same|better|absent) \|", (ROOT / "docs/reference/python-surface.md").read_text(), re.MULTILINE)
)


def find(name: str) -> Any:
    """What a dotted name is here. AttributeError or ImportError where it is nothing."""
    first, _dot, rest = name.partition(".")
    try:
        found = getattr(workflows, first)
    except AttributeError:
        found = importlib.import_module(f"ostro.workflows.{first}")
    for part in rest.split(".") if rest else ():
        found = getattr(found, part)
    return found


def test_the_table_has_every_name_of_the_original() -> None:
    assert list(TABLE) == NAMES


@pytest.mark.parametrize("name", [name for name, state in TABLE.items() if state != "absent"])
def test_a_name_that_the_table_has_is_there(name: str) -> None:
    assert find(name) is not None


@pytest.mark.parametrize("name", [name for name, state in TABLE.items() if state == "absent"])
def test_a_name_that_is_absent_is_not_there(name: str) -> None:
    with pytest.raises((AttributeError, ImportError)):
        find(name)


DEFAULTS: dict[str, dict[str, Any]] = {
    "activity": {
        "start_to_close_timeout": "5m",
        "retry_policy_max_attempts": None,
        "retry_policy_backoff_coefficient": None,
        "name": None,
        "sticky_to_worker": False,
        "rate_limit": None,
        "heartbeat_timeout": None,
    },
    "workflow.define": {
        "workflow_description": None,
        "schedules": None,
        "workflow_display_name": None,
        "is_technical": False,
        "enforce_determinism": None,
        "execution_timeout": None,
        "on_behalf_of": False,
        "search_keys": None,
    },
    "execute_activities_in_parallel": {
        "items": None,
        "get_item_from_prev_item_activity": None,
        "get_item_from_index_activity": None,
        "n_items": None,
        "max_concurrent_scheduled_tasks": 100,
        "max_concurrent_executions_per_worker": 100,
        "extra_params": None,
    },
    "run_worker": {"detach": False, "api_key": None, "namespace": None, "enable_config_discovery": None},
    "execute_workflow": {
        "execution_timeout": None,
        "execution_id": None,
        "wait": True,
        "parent_close_policy": None,
    },
    "run_sticky_worker_session": {"sticky_worker_session": None},
    "task": {"state": None, "id": None},
    "task_from": {"type": None, "id": None},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_parameters_and_defaults_are_the_originals(name: str) -> None:
    parameters = inspect.signature(find(name)).parameters
    found = {key: parameters[key].default for key in DEFAULTS[name]}
    assert found == DEFAULTS[name]


def test_everything_public_says_what_it_is() -> None:
    for name in workflows.__all__:
        found = getattr(workflows, name)
        if inspect.isclass(found) or inspect.isfunction(found):
            assert inspect.getdoc(found), name


def test_every_setting_is_in_the_reference() -> None:
    source = (Path(workflows.__file__).parents[1] / "_base/config.py").read_text()
    read = set(re.findall(r'"([A-Z][A-Z_]+)"', source)) | {"OSTRO_CORE_LOG", "OSTRO_CORE_THREADS", "OSTRO_BINARY"}
    page = (ROOT / "docs/reference/python-settings.md").read_text()
    assert read == set(re.findall(r"`([A-Z]+_[A-Z_]+)`", page))
