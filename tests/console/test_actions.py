"""Every action, on executions of a real worker, as a reader without scripts does it: by links and forms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Console
from playwright.sync_api import Page, expect
from temporalio.client import WorkflowFailureError


@pytest.fixture
def plain(open_page: Callable[..., Page]) -> Page:
    """A page without scripts."""
    return open_page(java_script_enabled=False)


def act(console: Console, page: Page, workflow_id: str, action: str, **fields: str) -> None:
    """Goes to the execution, follows the link of an action, fills its form and sends it."""
    page.goto(console.run(workflow_id))
    page.locator("nav.actions").get_by_role("link", name=action, exact=True).click()
    fill(page, action, **fields)


def fill(page: Page, action: str, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name=action, exact=True).click()


def begin(console: Console, kind: str, workflow_id: str, *arguments: object) -> None:
    console.runs[workflow_id] = console.world.start(kind, workflow_id, *arguments)


def test_a_signal_lets_an_order_go_on(console: Console, plain: Page) -> None:
    begin(console, "Order", "act-order", {"id": 9, "amount": 1})
    act(console, plain, "act-order", "Signal", name="approve")
    expect(plain.get_by_role("status")).to_have_text("The signal is in the history.")
    assert console.world.result("act-order") == {"order": 9, "packed": "book packed"}


def test_updates_and_queries_answer_on_the_page(console: Console, plain: Page) -> None:
    begin(console, "Approval", "act-approval")
    act(console, plain, "act-approval", "Update", name="add", input='"first"')
    expect(plain.locator(".payload pre")).to_have_text("1")
    act(console, plain, "act-approval", "Query", name="notes_so_far")
    expect(plain.locator(".payload pre")).to_contain_text('"first"')
    act(console, plain, "act-approval", "Query", name="nobody_has_this")
    expect(plain.get_by_role("alert")).to_contain_text("nobody_has_this")


def test_forms_offer_the_handlers_that_the_workflow_has(console: Console, plain: Page) -> None:
    plain.goto(console.run("approval-1", "/act/update"))
    assert plain.locator("datalist option").evaluate_all("all => all.map(one => one.value)") == ["add"]


def test_what_is_not_json_is_said_and_what_was_written_stays(console: Console, plain: Page) -> None:
    act(console, plain, "approval-1", "Signal", name="finish", input="{hello")
    expect(plain.get_by_role("alert")).to_contain_text("this is not JSON")
    expect(plain.locator("[name=input]")).to_have_value("{hello")
    assert console.world.status("approval-1") == "RUNNING"


def test_pause_and_unpause(console: Console, plain: Page) -> None:
    begin(console, "Approval", "act-pause")
    act(console, plain, "act-pause", "Pause", reason="lunch")
    expect(plain.locator(".sentence").first).to_contain_text("by console (lunch)")
    act(console, plain, "act-pause", "Unpause")
    expect(plain.locator(".sentence").first).not_to_contain_text("Paused")


def test_cancel_and_terminate_end_a_workflow(console: Console, plain: Page) -> None:
    begin(console, "Approval", "act-cancel")
    act(console, plain, "act-cancel", "Cancel", reason="not needed")
    expect(plain.get_by_role("status")).to_contain_text("Cancellation requested")
    begin(console, "Approval", "act-terminate")
    act(console, plain, "act-terminate", "Terminate", reason="stuck")
    expect(plain.locator(".kind .badge")).to_have_text("Terminated")
    plain.get_by_role("link", name="Input and result").click()
    expect(plain.locator("section", has_text="Result").locator("pre")).to_have_text("stuck")


def test_a_reset_makes_a_new_run_and_a_closed_run_can_be_deleted(console: Console, plain: Page) -> None:
    begin(console, "Approval", "act-reset")
    console.world.signal("act-reset", "finish")
    console.world.result("act-reset")
    act(console, plain, "act-reset", "Reset", reason="again")
    expect(plain.get_by_role("status")).to_contain_text("This is the new run")
    assert console.runs["act-reset"] not in plain.url
    act(console, plain, "act-reset", "Delete")
    expect(plain.get_by_role("status")).to_have_text("Deleted.")


def test_an_activity_is_retried_paused_and_completed(console: Console, plain: Page) -> None:
    begin(console, "Payment", "act-payment", "card-1")
    console.world.until("act-payment", 3)
    activity = plain.locator(".row", has_text="decline")
    plain.goto(console.run("act-payment"))
    activity.get_by_role("link", name="Retry now").click()
    fill(plain, "Retry now")
    console.world.until("act-payment", 4)
    for action in ("Pause", "Unpause", "Reset"):
        plain.goto(console.run("act-payment"))
        plain.locator(".row[open]", has_text="decline").or_(activity).first.evaluate("row => row.setAttribute('open', '')")
        activity.get_by_role("link", name=action, exact=True).click()
        fill(plain, action)
        expect(plain.get_by_role("status")).to_be_visible()
    plain.goto(console.run("act-payment"))
    activity.get_by_role("link", name="Complete").click()
    fill(plain, "Complete", result='"paid by hand"')
    assert console.world.result("act-payment") == "paid by hand"


def test_an_attempt_is_failed_for_good(console: Console, plain: Page) -> None:
    begin(console, "Lingering", "act-fail")
    console.world.until("act-fail", 1)
    plain.goto(console.run("act-fail"))
    lingering = plain.locator(".row", has_text="linger")
    lingering.evaluate("row => row.setAttribute('open', '')")
    lingering.get_by_role("link", name="Fail", exact=True).click()
    plain.get_by_label("Do not retry").check()
    fill(plain, "Fail", message="give up")
    expect(plain.get_by_role("status")).to_contain_text("failed with your message")
    with pytest.raises(WorkflowFailureError):
        console.world.result("act-fail")
    plain.reload()
    expect(plain.locator(".kind .badge")).to_have_text("Failed")


def test_a_workflow_is_started_by_a_form(console: Console, plain: Page) -> None:
    plain.goto(f"{console.home}/workflows")
    plain.get_by_role("link", name="Start a workflow").click()
    fill(plain, "Start", type="Order", queue="shop", id="act-start", input='{"id": 5, "amount": 2}')
    expect(plain.locator("h1")).to_have_text("Workflow act-start")
    fields = {"type": "Order", "queue": "shop", "id": "act-start"}
    plain.goto(f"{console.home}/start")
    fill(plain, "Start", **fields)
    expect(plain.get_by_role("alert")).to_contain_text("already")


def test_a_form_of_another_page_changes_nothing(console: Console, plain: Page) -> None:
    plain.goto(console.run("approval-1", "/act/terminate"))
    plain.locator("main [name=token]").evaluate("field => field.value = field.value.replace(/./g, '0')")
    plain.get_by_role("button", name="Terminate").click()
    expect(plain.locator("h1")).to_have_text("Nothing was changed")
    assert console.world.status("approval-1") == "RUNNING"
