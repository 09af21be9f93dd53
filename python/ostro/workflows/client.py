"""The client of a model's API, under the original's module name. It is the package `mistralai`, which a program installs beside this one."""

from __future__ import annotations

import importlib
import os
from typing import Any

from .. import workflows


def get_mistral_client(
    server_url: str | None = None,
    api_key: str | None = None,
    use_executor_credentials: bool = False,
    server: str | None = None,
    url_params: dict[str, str] | None = None,
    timeout_ms: int | None = None,
) -> Any:
    """A `Mistral` client: of `server_url` or `SERVER_URL`, with `api_key` or `MISTRAL_API_KEY`.

    ImportError without the package `mistralai`. WorkflowsException for `use_executor_credentials`: a user who starts an execution has no
    identity here that the model's API would know.
    """
    if use_executor_credentials:
        raise workflows.WorkflowsException(
            "get_mistral_client: there are no executor credentials here; give `api_key`, or set MISTRAL_API_KEY",
            code=workflows.ErrorCode.INVALID_ARGUMENTS,
        )
    return _package().Mistral(
        api_key=api_key or os.environ.get("MISTRAL_API_KEY"),
        server=server,
        server_url=server_url or os.environ.get("SERVER_URL"),
        url_params=url_params,
        timeout_ms=timeout_ms,
    )


def should_use_executor_credentials() -> bool:
    """False: see `get_mistral_client`."""
    return False


def _package() -> Any:
    try:
        return importlib.import_module("mistralai.client")
    except ModuleNotFoundError as error:
        raise ImportError("get_mistral_client() needs the package `mistralai`: pip install mistralai") from error


__all__ = ["get_mistral_client", "should_use_executor_credentials"]
