"""Every page: what it says, where its links lead, and that nothing of it is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from conftest import Console
from playwright.sync_api import Page, expect


def test_the_first_page_lists_executions_with_failures_first(console: Console, page: Page) -> None:
    page.goto(console.base)
    expect(page).to_have_url(f"{console.home}/workflows")
    expect(page).to_have_title("Workflows · Ostro")
    chips = page.locator(".chips .chip").all_inner_texts()
    assert chips[0].startswith("All") and chips[1].startswith("Failed"), chips
    row = page.locator("tr", has=page.get_by_role("link", name="payment-1", exact=True))
    expect(row.locator(".badge")).to_have_text("Running")
    expect(row.locator("time")).to_have_attribute("title", re.compile(r"\d{4}-\d\d-\d\d .* UTC"))


def test_chips_and_the_filter_narrow_the_list_and_are_taken_back(console: Console, page: Page) -> None:
    page.goto(f"{console.home}/workflows")
    page.locator(".chip", has_text="Failed").click()
    failed = page.locator("tbody tr", has_text="broken-1")
    expect(failed).to_have_count(1)
    expect(page.locator("tbody tr", has_text="Running")).to_have_count(0)
    page.get_by_label("Filter", exact=True).fill("WorkflowType = 'Order'")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No execution matches.")).to_be_visible()
    page.locator(".chips.on .chip").click()
    expect(failed).to_have_count(1)
    expect(page).to_have_url(f"{console.home}/workflows?status=Failed")


def test_a_filter_that_is_wrong_says_where(console: Console, page: Page) -> None:
    page.goto(f"{console.home}/workflows?query=Nobody+%3D+1")
    expect(page.get_by_role("alert")).to_contain_text("Nobody")
    expect(page.get_by_label("Filter", exact=True)).to_have_value("Nobody = 1")


def test_a_heading_sorts_one_way_then_the_other(console: Console, page: Page) -> None:
    page.goto(f"{console.home}/workflows")
    for expected in ("descending", "ascending"):
        page.get_by_role("link", name="Workflow id").click()
        expect(page.locator("th", has_text="Workflow id")).to_have_attribute("aria-sort", expected)
        ids = [one.strip() for one in page.locator("tbody td.id > a").all_inner_texts()]
        assert ids == sorted(ids, reverse=expected == "descending"), ids


def test_search_attributes_are_columns_when_they_are_chosen(console: Console, page: Page) -> None:
    page.goto(f"{console.home}/workflows")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Customer").check()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name="Customer")).to_be_visible()


def test_an_execution_says_what_it_waits_for_and_shows_each_part(console: Console, page: Page) -> None:
    page.goto(console.run("payment-1"))
    expect(page.locator(".sentence").first).to_contain_text(re.compile(r"for activity decline: attempt \d"))
    expect(page.locator(".sentence").first).to_contain_text("429 from api.bank.example: card-7 declined (CardError)")
    row = page.locator(".row", has=page.locator("b", has_text="decline"))
    expect(row.locator("rect.retrying")).to_have_count(1)
    expect(row.locator("rect.backing-off")).to_have_count(1)
    expect(row.get_by_role("link", name="Retry now")).to_be_visible()


def test_a_timeline_has_activities_timers_children_and_signals(console: Console, page: Page) -> None:
    page.goto(console.run("order-1"))
    kinds = page.locator(".row .what").all_inner_texts()
    assert kinds == ["workflow", "activity", "timer", "signal", "child workflow"] or sorted(kinds) == sorted(
        ["workflow", "activity", "timer", "signal", "child workflow"]
    ), kinds
    page.locator(".row summary", has_text="charge").click()
    expect(page.locator(".row[open] .inside")).to_contain_text("charged 30")
    page.locator(".row summary", has_text="Pack").click()
    page.get_by_role("link", name="order-1-pack").click()
    expect(page.locator("h1")).to_have_text("Workflow order-1-pack")


def test_nobody_works_is_said_as_blocked(console: Console, page: Page) -> None:
    page.goto(console.run("lonely-1"))
    expect(page.locator(".sentence.blocked")).to_contain_text("none polls the workflow tasks of task queue nobody")


def test_the_history_is_compact_full_json_and_a_file(console: Console, page: Page) -> None:
    page.goto(console.run("order-1", "/history"))
    expect(page.locator(".events li").first).to_contain_text("Workflow execution started")
    page.get_by_role("link", name="Newest first").click()
    expect(page.locator(".events li").first).to_contain_text("Workflow execution completed")
    page.get_by_role("link", name="Full").click()
    expect(page.locator(".events pre").first).to_contain_text('"packed": "book packed"')
    page.get_by_role("link", name="JSON", exact=True).click()
    expect(page.locator("pre.json")).to_contain_text("EVENT_TYPE_WORKFLOW_EXECUTION_STARTED")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download JSON").click()
    history = json.loads(download.value.path().read_text())
    assert history["events"][0]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"
    assert len(history["events"]) == len(console.world.events("order-1"))


def test_input_and_result_are_readable_and_a_failure_is_told(console: Console, page: Page) -> None:
    page.goto(console.run("order-1", "/data"))
    expect(page.locator("section", has_text="Input").locator("pre").first).to_contain_text('"amount": 30')
    expect(page.locator("section", has_text="Result").locator("pre").first).to_contain_text("book packed")
    page.goto(console.run("broken-1", "/data"))
    expect(page.locator("section", has_text="Result").locator("pre")).to_contain_text("the warehouse is on fire (WarehouseError)")


def test_relations_lead_to_children_and_back(console: Console, page: Page) -> None:
    page.goto(console.run("order-1", "/relations"))
    page.get_by_role("link", name="order-1-pack").click()
    page.get_by_role("link", name="Relations").click()
    expect(page.locator("section", has_text="Parent").get_by_role("link", name="order-1", exact=True)).to_be_visible()


def test_commands_to_copy_name_this_run(console: Console, page: Page) -> None:
    page.goto(console.run("order-1"))
    page.get_by_text("Copy as").click()
    expect(page.locator(".copy pre").first).to_have_text(
        f"ostro workflow describe --namespace default --workflow-id order-1 --run-id {console.runs['order-1']}"
    )


def test_every_link_of_every_page_leads_somewhere(console: Console, page: Page) -> None:
    seen: dict[str, int] = {}
    for name, address in console.pages().items():
        # Of the page that is none only the ways out of it count.
        seen |= {address: 200} if name == "no-page" else {}
        page.goto(address)
        for link in page.locator("a[href]").evaluate_all("links => links.map(link => link.href.split('#')[0])"):
            if link not in seen:
                seen[link] = page.request.get(link).status
    dead = {link: status for link, status in seen.items() if status != 200}
    assert not dead, dead
    assert len(seen) > 50


def test_themes_and_zones_are_chosen_and_kept(console: Console, open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="light")
    page.goto(f"{console.home}/workflows")
    light = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    page.get_by_text("Settings", exact=True).click()
    page.get_by_label("Dark").check()
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_role("button", name="Keep").click()
    expect(page).to_have_url(f"{console.home}/workflows")
    assert page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor") != light
    expect(page.locator("tbody time").first).to_have_attribute("title", re.compile("JST"))


def test_no_page_is_wider_than_the_window(console: Console, open_page: Callable[..., Page]) -> None:
    for width in (360, 768, 1440):
        page = open_page(viewport={"width": width, "height": 800})
        for name, address in console.pages().items():
            page.goto(address)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide at {width}"
