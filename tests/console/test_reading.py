"""How the pages are read: live, by keyboard alone, without scripts, by those who do not see them, and when they are hostile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Console
from playwright.sync_api import Page, expect
from world import HOSTILE

THEMES = ("light", "dark")


def test_a_page_follows_its_workflow_and_stays_where_one_has_scrolled(console: Console, page: Page) -> None:
    console.runs["live-1"] = console.world.start("Approval", "live-1")
    page.set_viewport_size({"width": 1000, "height": 300})
    page.goto(console.run("live-1"))
    page.locator(".row summary").first.click()
    page.evaluate("scrollTo(0, 120)")
    console.world.signal("live-1", "finish")
    expect(page.locator(".kind .badge")).to_have_text("Completed")
    expect(page.locator(".row .what", has_text="signal")).to_be_visible()
    expect(page.locator(".row[open] .what")).to_have_text("workflow")
    assert page.evaluate("scrollY") == 120


def test_the_keyboard_is_enough(console: Console, page: Page) -> None:
    page.goto(f"{console.home}/workflows")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next and previous row")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Filter", exact=True)).to_be_focused()
    page.keyboard.type("WorkflowId = 'order-1'")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator("h1")).to_have_text("Workflow order-1")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator(".row[open]")).to_have_count(1)
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page).to_have_url(f"{console.home}/workflows")


def test_tab_reaches_every_control_and_shows_where_it_is(console: Console, page: Page) -> None:
    page.goto(console.run("payment-1", "/act/signal"))
    reached = []
    for _ in range(25):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", reached
    assert {"Skip to the page", "name", "input", "Signal", "Back"} <= set(reached), reached


def test_every_page_works_without_scripts(console: Console, open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    for name, address in console.pages().items():
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("button:not(form button), a:not([href])").count() == 0, name


@pytest.mark.parametrize("theme", THEMES)
def test_no_page_has_a_fault_of_accessibility(console: Console, open_page: Callable[..., Page], theme: str) -> None:
    page = open_page(color_scheme=theme)
    axe = Axe()
    for name, address in {**console.pages(), "hostile": console.run(HOSTILE)}.items():
        page.goto(address)
        for menu in page.locator("details.row, details.menu").all()[:3]:
            menu.evaluate("one => { one.open = true; }")
        found = axe.run(page)
        assert found.violations_count == 0, f"{name}, {theme}:\n{found.generate_report()}"


def test_a_hostile_execution_is_text(console: Console, page: Page) -> None:
    stolen = "window.stolen"
    tabs = ("", "/history", "/history?view=full", "/history?view=json", "/data", "/relations", "/act/terminate", "/act/signal")
    for address in [f"{console.home}/workflows", *(console.run(HOSTILE, tab) for tab in tabs)]:
        page.goto(address)
        assert page.evaluate(stolen) is None, address
        assert page.locator("main script, main img").count() == 0, address
        text = page.locator("main").inner_text()
        assert "<script>" in text and "{{7*7}}" in text, address
        assert not any(bad in text for bad in ("\x1b", "\u202e", "\u200b")), address
    page.goto(console.run(HOSTILE))
    expect(page.locator(".row b", has_text="hostile_activity")).to_be_visible()
    page.goto(f"{console.home}/workflows?said=%3Cb%3Eowned&status=%3Cscript%3E&type={'%22%3E%3Cscript%3E'}")
    assert page.locator("main script, .said").count() == 0


@pytest.mark.skipif("CONSOLE_SCREENSHOTS" not in os.environ, reason="no --screenshots")
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_pictures(console: Console, open_page: Callable[..., Page], theme: str, width: int) -> None:
    page = open_page(color_scheme=theme, viewport={"width": width, "height": 900})
    directory = Path(os.environ["CONSOLE_SCREENSHOTS"])
    directory.mkdir(parents=True, exist_ok=True)
    for name, address in {**console.pages(), "hostile": console.run(HOSTILE)}.items():
        page.goto(address)
        page.screenshot(path=directory / f"{name}-{width}-{theme}.png", full_page=True)
