"""The first campaign by a person in the browser, over both halves as running services; planning without JavaScript."""

import json
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.fixtures.browser import Browser, barriers, load_shots, marks, open_browser
from tests.fixtures.processes import wait_for
from tests.journeys.conftest import Home

pytestmark = marks
USER = {"web_user": "ann@shop.example", "web_password": "a long enough password"}
ZONE = ZoneInfo("Europe/Stockholm")
GROUP = "orders is at least 1 and days_since_last_order is at least 30"


def start(home):
    """Everything up; a busy machine may take its time."""
    home.start("up")
    for service, path in (
        ("planner", "/ui/sign-in"),
        ("messenger", "/ui/sign-in"),
        ("tracking", "/health"),
    ):
        wait_for(home.url(service) + path, 120)


def side(home, half, step, facts):
    """One prepared step of the demonstration, in the home."""
    done = subprocess.run(
        [sys.executable, "-m", f"tandem.site.demo.{half}_side", step],
        input=json.dumps(facts).encode(),
        stdout=subprocess.PIPE,
        env=home.environment,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def shop():
    """Both halves running: customers at the planner, contacts, templates and listener at the messenger."""
    home = Home(Path(tempfile.mkdtemp(prefix="tandem-flow-")), migrated=True)
    try:
        yield home, _made(home)
    finally:
        home.close()


def _made(home):
    (home.home / "tandem.env").write_text("TANDEM_CLOCK_OFFSET=0\n")
    migrate = "from tandem.site import migrations; migrations.migrate(('planner', 'messenger'))"
    subprocess.run([sys.executable, "-c", migrate], env=home.environment, check=True)
    made = {**USER, **side(home, "messenger", "prepare", USER)}
    made |= side(home, "planner", "prepare", {**made, "data": "", "mapping": "", "customers": 400})
    home.run("contacts", "import", made["contacts"], "--list", str(made["list_id"]))
    home.set_clock(datetime.fromisoformat(made["first_send_at"]))
    home.run("customers", "snapshot")
    addresses = {"planner_url": home.url("planner"), "messenger_url": f"{home.url('messenger')}/rest"}
    made |= addresses
    start(home)
    side(home, "messenger", "listen", made)
    return made


def sign_in(page, base):
    load_shots().sign_in(page, base, USER["web_user"], USER["web_password"])


def connect(page, made):
    """From the checklist to a connected account; of token and password the token decides, and a wrong one is named."""
    page.click("a:has-text('Connect')")
    page.fill("input[name=api_url]", made["messenger_url"])
    page.fill("input[name=customer_id]", made["customer_id"])
    page.fill("input[name=user_name]", made["messenger_user"])
    page.fill("input[name=token]", "wrong")
    page.fill("input[name=password]", made["messenger_password"])
    page.click("button:has-text('Test connection')")
    page.wait_for_selector(".timeline .failed, .alert-danger")
    page.fill("input[name=password]", made["messenger_password"])
    page.fill("input[name=token]", made["messenger_token"])
    page.click("button:text-is('Save')")
    page.wait_for_url(re.compile(r"/ui/connections/\d+"))


def see_templates(page, base):
    """Templates by project, and one of them as a customer would see it."""
    page.goto(f"{base}/ui/templates")
    if page.locator("a.card-link").count() == 0:
        page.click("button:has-text('Read again')")
    page.click("a.card-link:has-text('We miss you')")
    frame = page.frame_locator("iframe.preview").first
    assert "favourites" in frame.locator("body").inner_text()


def make_group(page, base):
    """The builder counts while it is written; then the group is saved."""
    page.goto(f"{base}/ui/groups/new")
    page.fill("#id_name", "Quiet for a month")
    page.select_option("select[id$=-attr]", "orders")
    page.wait_for_selector("select[id$=-op]")
    page.fill("input[id$=-value]", "1")
    page.wait_for_selector("#count .big")
    before = page.inner_text("#count .big")
    page.fill("#id_text", GROUP)
    page.click("button:has-text('Use this text')")
    page.wait_for_function(
        "before => document.querySelector('#count .big')?.innerText !== before", arg=before
    )
    page.click("button:has-text('Save the group')")
    page.wait_for_url(re.compile(r"/ui/groups/\d+"))


def plan(page, base, minute, *, scripted=True):
    """The plan page from top to bottom, up to the campaign's own page."""
    page.goto(f"{base}/ui/campaigns/new")
    page.fill("#id_name", f"We miss you {minute:%H:%M}")
    page.select_option("#id_group", label="Quiet for a month")
    page.select_option("#id_project", label="Spring win-back")
    if not scripted:
        page.click("button:text-is('Update')")
    page.locator(".choice:has-text('We miss you') input[name=template]").check()
    page.fill("#id_day", f"{minute:%Y-%m-%d}")
    page.fill("#id_time", f"{minute:%H:%M}")
    page.click("summary:has-text('When the list is made')")
    page.fill("#id_lead", "0.2")
    if scripted:
        page.wait_for_selector("aside .big")
    page.click("button:has-text('Review and schedule')")
    page.wait_for_selector("#review")
    assert f"{minute:%H:%M}" in page.inner_text("#review")
    assert "nobody" not in page.inner_text("#review").lower()
    page.click("button:has-text('Yes, schedule it')")
    page.wait_for_url(re.compile(r"/ui/campaigns/\d+"))


def next_minute(home, ahead):
    """The first whole minute of the shop's time at least `ahead` from now."""
    now = home.business_now().astimezone(ZONE) + ahead
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


def look_at_messenger(browser: Browser, base: str) -> None:
    """The listener heard of it, the sending is finished, the outbox shows a message."""
    page = browser.page()
    sign_in(page, base)
    page.goto(f"{base}/ui/listener")
    assert "Open its sending" in page.inner_text("#inbox")
    page.click("text=Open its sending >> nth=0")
    page.wait_for_selector("text=Where everybody went")
    assert page.locator(".columns-chart rect").count() >= 1
    assert barriers(page) == []
    page.goto(f"{base}/ui/outbox")
    page.click("td a >> nth=0")
    text = page.frame_locator("iframe.preview").locator("body").inner_text()
    assert "favourites" in text
    page.context.close()


def plan_without_javascript(browser: Browser, home) -> None:
    """The same plan by plain posts, three hours ahead, then cancelled."""
    base = home.url("planner")
    page = browser.page(java_script_enabled=False)
    sign_in(page, base)
    plan(page, base, next_minute(home, timedelta(hours=3)), scripted=False)
    assert "Scheduled" in page.inner_text("main")
    page.click("summary:has-text('Cancel campaign')")
    page.click("button:has-text('Yes, cancel it')")
    assert "Cancelled" in page.inner_text("main")
    page.context.close()


def test_a_campaign_planned_in_the_browser_is_sent(shop):
    home, made = shop
    base = home.url("planner")
    with open_browser() as browser:
        page = browser.page()
        page.goto(f"{base}/ui/")
        sign_in(page, base)
        assert "1 of 5 done" in page.inner_text("main")
        connect(page, made)
        see_templates(page, base)
        make_group(page, base)
        plan(page, base, next_minute(home, timedelta(seconds=30)))
        page.wait_for_selector(".badge.state:has-text('Sent')", timeout=150_000)
        page.reload()
        steps = page.locator(".timeline li.done").count()
        assert steps == 5
        assert page.locator(".flow-band.sent").count() == 1
        assert barriers(page) == []
        page.goto(f"{base}/ui/")
        assert "Everything is set up" in page.inner_text("main")
        look_at_messenger(browser, home.url("messenger"))
        plan_without_javascript(browser, home)
        unexpected = [one for one in browser.complaints if "422" not in one and "401" not in one]
        assert unexpected == []
