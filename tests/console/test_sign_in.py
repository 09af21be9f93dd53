"""Keys and roles: who sees a page, who can act, and what the browser is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from conftest import Console
from lab import Server
from playwright.sync_api import Page, expect
from world import World


@dataclass
class Locked:
    """A console with keys."""

    console: Console
    keys: dict[str, str]


@pytest.fixture(scope="module")
def locked() -> Iterator[Locked]:
    server = Server(arguments=["--access", "key"])
    keys = {role: server.key(role, "default") for role in ("reader", "worker", "operator")}
    keys["admin"] = server.key("admin", "*")
    server.start()
    world = World(f"127.0.0.1:{server.port}", keys["admin"])
    runs = {"locked-1": world.start("Approval", "locked-1")}
    yield Locked(Console(server, world, runs), keys)
    world.close()
    server.remove()


def sign_in(locked: Locked, page: Page, role: str, to: str = "") -> None:
    page.goto(to or locked.console.base)
    page.get_by_label("API key").fill(locked.keys[role])
    page.get_by_role("button", name="Sign in").click()


def test_a_key_is_exchanged_for_a_cookie_that_says_nothing_of_it(locked: Locked, page: Page) -> None:
    wanted = locked.console.run("locked-1")
    sign_in(locked, page, "operator", wanted)
    expect(page).to_have_url(wanted)
    cookie = next(one for one in page.context.cookies() if one["name"] == "ostro_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and not cookie["secure"]
    assert 0 < cookie["expires"] and locked.keys["operator"] not in str(page.context.cookies())
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("Signed out.")
    page.context.add_cookies([cookie])
    page.goto(wanted)
    expect(page.locator("h1")).to_have_text("Sign in")


def test_a_wrong_key_is_told_and_nothing_is_seen_without_one(locked: Locked, page: Page) -> None:
    page.goto(locked.console.base)
    page.get_by_label("API key").fill("ostro_" + "0" * 64)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    for rest in ("", "/history", "/history.json", "/data", "/relations", "/live", "/act/signal"):
        answer = page.request.get(locked.console.run("locked-1", rest), max_redirects=0)
        assert answer.status == 303 and "/login?next=" in answer.headers["location"], rest
        assert "locked-1" not in answer.text()


@pytest.mark.parametrize("role", ["reader", "worker"])
def test_who_may_only_read_sees_no_actions_and_can_do_none(locked: Locked, page: Page, role: str) -> None:
    sign_in(locked, page, role, locked.console.run("locked-1"))
    assert page.locator("nav.actions a").all_inner_texts() == ["Query"]
    page.goto(f"{locked.console.home}/workflows")
    expect(page.get_by_role("link", name="Start a workflow")).to_have_count(0)
    page.goto(locked.console.run("locked-1", "/act/terminate"))
    page.get_by_role("button", name="Terminate").click()
    expect(page.get_by_role("alert")).to_contain_text("needs operator")
    assert locked.console.world.status("locked-1") == "RUNNING"


def test_an_operator_acts_in_its_namespace_and_sees_no_other(locked: Locked, page: Page) -> None:
    sign_in(locked, page, "operator", locked.console.run("locked-1"))
    expect(page.locator("nav.actions").get_by_role("link", name="Terminate")).to_be_visible()
    page.goto(f"{locked.console.base}/namespaces/mistral-workflows/workflows")
    expect(page.locator("h1")).to_have_text("Your key may not do that")


def test_a_revoked_key_ends_its_session(locked: Locked, page: Page) -> None:
    server = locked.console.server
    before = set(server.key_ids())
    locked.keys["passing"] = server.key("reader", "default")
    (new,) = set(server.key_ids()) - before
    sign_in(locked, page, "passing", locked.console.run("locked-1"))
    expect(page.locator("h1")).to_have_text("Workflow locked-1")
    server.tool("token", "revoke", "--data", server.data or "", new)
    page.wait_for_timeout(1500)
    page.goto(locked.console.run("locked-1"))
    expect(page.locator("h1")).to_have_text("Sign in")


def test_next_leads_nowhere_else(locked: Locked, page: Page) -> None:
    for next_page in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        page.goto(f"{locked.console.base}/login?next={next_page}")
        page.get_by_label("API key").fill(locked.keys["reader"])
        page.get_by_role("button", name="Sign in").click()
        assert page.url.startswith(locked.console.base), page.url
        page.context.clear_cookies()


def test_every_answer_keeps_others_out(locked: Locked, open_page: Callable[..., Page]) -> None:
    page = open_page()
    for path in ("/login", "/", "/assets/console.css", "/namespaces/default/nothing"):
        headers = page.request.get(f"{locked.console.base}{path}", max_redirects=0).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    host = {"Host": "evil.example"}
    assert locked.console.server.http("GET", "/login", None, host).status == 421
    origin = {"Host": f"127.0.0.1:{locked.console.server.http_port}", "Origin": "https://evil.example"}
    assert locked.console.server.http("POST", "/login", "key=x", origin).status == 403


def test_a_proxy_may_serve_it_under_a_prefix(locked: Locked, open_page: Callable[..., Page]) -> None:
    server = locked.console.server
    page = server.http("GET", "/login", None, {"Host": "127.0.0.1", "X-Forwarded-Prefix": "/ostro", "X-Forwarded-Proto": "https"})
    assert 'action="/ostro/login"' in page.text and 'href="/ostro/assets/console.css' in page.text
    assert "Path=/ostro/" in page.headers["set-cookie"] and "Secure" in page.headers["set-cookie"]
    moved = server.http("GET", "/", None, {"Host": "127.0.0.1", "X-Forwarded-Prefix": "/ostro"})
    assert moved.headers["location"] == "/ostro/login?next=%2F"


def test_it_can_be_switched_off() -> None:
    server = Server(config="console = false\n").start()
    try:
        assert server.http("GET", "/").status == 404
        assert server.http("GET", "/namespaces/default/workflows").status == 404
    finally:
        server.remove()
