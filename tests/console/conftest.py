"""One server and one worker for all tests of pages, a browser, and pages of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))

from lab import Server
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from world import World


class Console:
    """A console and what is in it."""

    def __init__(self, server: Server, world: World, runs: dict[str, str]) -> None:
        self.server, self.world, self.runs = server, world, runs
        self.base = f"http://127.0.0.1:{server.http_port}"
        self.home = f"{self.base}/namespaces/default"

    def run(self, workflow_id: str, rest: str = "") -> str:
        """The address of a page of an execution's first run."""
        return f"{self.home}/workflows/{quote(workflow_id, safe='')}/{self.runs[workflow_id]}{rest}"

    def pages(self) -> dict[str, str]:
        """The address of every page, by a name for its picture."""
        tabs = {
            "timeline": "",
            "history": "/history",
            "history-full": "/history?view=full",
            "data": "/data",
            "relations": "/relations",
        }
        actions = ("signal", "update", "query", "pause", "cancel", "terminate", "reset")
        pages = {"executions": f"{self.home}/workflows", "failed": f"{self.home}/workflows?status=Failed"}
        pages |= {"nothing": f"{self.home}/workflows?id=nobody-has-this", "bad-filter": f"{self.home}/workflows?query=(("}
        places = ("inputs", "waits", "schedules", "batches", "queues", "workers")
        pages |= {place: f"{self.home}/{place}" for place in places}
        pages |= {
            "schedule-new": f"{self.home}/schedules/~new",
            "batch-new": f"{self.home}/batches/new?query=WorkflowType+%3D+%27Order%27",
        }
        pages |= {"schedule": f"{self.home}/schedules/nightly"}
        pages |= {"start": f"{self.home}/start", "no-page": f"{self.home}/nothing/here"}
        pages |= {f"order-{name}": self.run("order-1", rest) for name, rest in tabs.items()}
        pages |= {f"payment-{name}": self.run("payment-1", rest) for name, rest in tabs.items()}
        pages |= {"lonely": self.run("lonely-1"), "broken": self.run("broken-1"), "broken-data": self.run("broken-1", "/data")}
        pages |= {f"act-{action}": self.run("approval-1", f"/act/{action}") for action in actions}
        return pages


@pytest.fixture(scope="session")
def console() -> Iterator[Console]:
    """The console of a server on which every kind of execution is."""
    server = Server(arguments=["--search-attribute", "Customer=Keyword"]).start()
    world = World(f"127.0.0.1:{server.port}")
    runs = world.fill()
    world.schedule("nightly")
    yield Console(server, world, runs)
    world.close()
    server.remove()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages: `open_page(java_script_enabled=False)`. A fault on a page, or a request that fails, fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"error on {page.url}: {error}"))
        page.on("console", lambda said: faults.append(f"{page.url} says {said.text}") if _is_fault(said) else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not faults, faults


def _is_fault(said: Any) -> bool:
    # A page that is refused on purpose is told of, too.
    return said.type in ("error", "warning") and "the server responded with a status of" not in said.text


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page of a reader with scripts."""
    return open_page()
