"""What people are asked, what waits, schedules, batches, queues and workers: seen and used without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Console
from playwright.sync_api import Page, expect
from world import CONFIRM, REFUND


@pytest.fixture
def plain(open_page: Callable[..., Page]) -> Page:
    """A page without scripts."""
    return open_page(java_script_enabled=False)


def test_a_person_answers_by_a_form_made_from_the_schema(console: Console, plain: Page) -> None:
    console.world.start("Ask", "ask-form", REFUND)
    console.world.until_asked("ask-form")
    plain.goto(f"{console.home}/inputs")
    form = plain.locator("section.question", has=plain.get_by_role("link", name="ask-form"))
    expect(form.get_by_role("heading")).to_have_text("Refund of order 7")
    expect(form.get_by_label("Amount")).to_have_value("20")
    form.get_by_label("Amount").fill("1000")
    form.get_by_label("How").select_option(label="As a voucher")
    form.get_by_label("At once").check()
    form.get_by_role("button", name="Answer").click()
    expect(form.get_by_role("alert")).to_contain_text("amount: at most 100")
    expect(form.get_by_label("Amount")).to_have_value("1000")
    form.get_by_label("Amount").fill("90")
    form.get_by_role("button", name="Answer").click()
    expect(plain.get_by_role("status")).to_contain_text("Answered")
    assert console.world.result("ask-form") == {"amount": 90, "how": "voucher", "fast": True}
    expect(form).to_have_count(0)


def test_a_choice_is_answered_by_its_button(console: Console, plain: Page) -> None:
    console.world.start("Ask", "ask-button", CONFIRM)
    console.world.until_asked("ask-button")
    plain.goto(f"{console.home}/inputs")
    form = plain.locator("section.question", has=plain.get_by_role("link", name="ask-button"))
    form.get_by_role("button", name="Keep it").click()
    expect(plain.get_by_role("status")).to_contain_text("Answered")
    assert console.world.result("ask-button") == {"choice": "no"}


def test_what_waits_is_grouped_and_what_is_blocked_is_first(console: Console, plain: Page) -> None:
    plain.goto(f"{console.home}/waits")
    groups = plain.locator("details.group")
    expect(groups.first).to_contain_text("Workflow tasks of task queue nobody")
    expect(groups.first).to_contain_text("lonely-1")
    failing = plain.locator(
        "details.group", has_text="Activity decline fails: 429 from api.bank.example: card-7 declined (CardError)"
    )
    expect(failing).to_contain_text("payment-1")
    expect(plain.locator("details.group", has_text="The input of a person")).to_contain_text("refund-1")


def test_a_schedule_is_made_edited_paused_run_and_deleted(console: Console, plain: Page) -> None:
    plain.goto(f"{console.home}/schedules")
    plain.get_by_role("link", name="Create a schedule").click()
    plain.get_by_label("Schedule id").fill("by-hand")
    plain.get_by_label("Workflow type").fill("Approval")
    plain.get_by_label("Task queue").fill("shop")
    plain.get_by_role("button", name="Create").click()
    expect(plain.get_by_role("alert")).to_contain_text("Say when")
    plain.get_by_label("Every", exact=True).fill("2h")
    plain.get_by_role("button", name="Create").click()
    expect(plain.locator("h1")).to_have_text("Schedule by-hand")
    expect(plain.locator(".times li")).to_have_count(10)
    plain.get_by_role("button", name="Run now").click()
    expect(plain.locator("section", has_text="Past runs").locator("li a")).to_have_count(1)
    plain.get_by_label("Note").fill("holidays")
    plain.get_by_role("button", name="Pause").click()
    expect(plain.locator(".sentence")).to_contain_text("Paused (holidays)")
    plain.get_by_role("button", name="Unpause").click()
    expect(plain.locator(".sentence")).to_contain_text("Waiting for its next action")
    plain.locator("summary", has_text="Edit").click()
    plain.locator("#f-e-every").fill("3h")
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator(".facts")).to_contain_text("every 3h")
    plain.get_by_role("button", name="Delete").click()
    expect(plain.get_by_role("status")).to_have_text("Deleted.")
    expect(plain.get_by_role("link", name="by-hand")).to_have_count(0)


def test_a_batch_says_how_many_before_and_how_far_after(console: Console, page: Page) -> None:
    for number in range(3):
        console.world.start("Approval", f"many-{number}")
    page.goto(f"{console.home}/workflows?id=many-")
    page.get_by_role("link", name="Do with all of these").click()
    expect(page.locator("b.count")).to_have_text("3")
    page.get_by_label("What to do").select_option(label="Terminate: they end at once")
    page.get_by_label("Reason").fill("test")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("[data-part=progress]")).to_contain_text("Completed", timeout=40_000)
    expect(page.locator("[data-part=progress]")).to_contain_text("3 of 3 done, 0 failed")
    assert [console.world.status(f"many-{number}") for number in range(3)] == ["TERMINATED"] * 3
    page.get_by_role("link", name="Batches").first.click()
    expect(page.locator("tbody tr").first).to_contain_text("Terminate")


def test_queues_and_workers_say_who_polls(console: Console, plain: Page) -> None:
    plain.goto(f"{console.home}/queues")
    expect(plain.locator("section", has_text="nobody").first).to_contain_text("no worker polls")
    expect(plain.locator("section", has=plain.get_by_role("heading", name="shop"))).to_contain_text("activity tasks")
    plain.goto(f"{console.home}/workers")
    expect(plain.locator("tbody tr").first.or_(plain.locator(".empty")).first).to_be_visible()
