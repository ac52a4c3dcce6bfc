"""Screenshots of every page of both halves: light, dark, phone; and of an email that was sent, at two widths.

    python tools/shots.py --home HOME [--into shots] [--half planner|messenger] [--only PART]

Reads HOME/demo.json for the addresses and the sign-in, so the demo (or `tandem up` with a demo home) must be running.
Pages are found by following links: one page per shape of address, so a new page needs no line here.
"""

import argparse
import json
import re
import shutil
import sys
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES_AT_MOST = 90
FRAME_MS = 150
TALLEST = 6000
MAIL_WIDTHS = (390, 800)


@dataclass(frozen=True)
class Look:
    """One way of looking at a page."""

    name: str
    width: int
    height: int
    scheme: str


LOOKS = (Look("light", 1280, 800, "light"), Look("dark", 1280, 800, "dark"), Look("phone", 390, 844, "light"))


def shape(address: str) -> str:
    """The address with its ids taken out, so that one page stands for all of its kind; fit for a file name."""
    path = urlsplit(address).path.removeprefix("/ui").strip("/")
    parts = ["id" if re.search(r"\d", part) else part for part in path.split("/") if part]
    return "-".join(parts) or "overview"


def kept_out(message: ConsoleMessage) -> bool:
    """Whether it tells that the frame of a mail fetched no picture: looking at a mail must not count as opening it."""
    return "/frame" in str(message.location.get("url")) and "Loading the image" in message.text


def links(page: Page, base: str) -> list[str]:
    """Addresses under /ui/ that the page links to or shows in a frame, without query, in order."""
    found = page.eval_on_selector_all(
        "a[href], iframe[src]", "all => all.map(e => e.getAttribute('href') || e.src)"
    )
    whole = [urldefrag(urljoin(page.url, link)).url.split("?")[0] for link in found]
    return [link for link in dict.fromkeys(whole) if link.startswith(base + "/ui/")]


def show_frames(page: Page, look: Look) -> None:
    """A frame out of sight is not drawn: a page that has one is shown in a window as tall as itself."""
    page.set_viewport_size({"width": look.width, "height": look.height})
    if page.query_selector("iframe") is None:
        return
    tall = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": look.width, "height": min(max(tall, look.height), TALLEST)})
    for frame in page.frames:
        frame.wait_for_load_state()
    page.wait_for_timeout(FRAME_MS)


def sign_in(page: Page, base: str, user: str, password: str) -> None:
    """Sign in through the form."""
    page.goto(f"{base}/ui/sign-in")
    page.fill("input[name=email]", user)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


def crawl(page: Page, base: str) -> dict[str, str]:
    """The first address of each shape of page, by following links from the overview."""
    queue, pages = [f"{base}/ui/"], {}
    while queue and len(pages) < PAGES_AT_MOST:
        address = queue.pop(0)
        if shape(address) in pages or "sign-out" in address:
            continue
        answer = page.request.get(address)
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        page.goto(address)
        pages[shape(address)] = address
        queue += links(page, base)
    return pages


def shoot(browser: Browser, base: str, half: str, demo: dict[str, str], into: Path, only: str) -> list[str]:
    """Screenshots of one half; the complaints of its pages (errors, bad statuses, width beyond the window)."""
    complaints: list[str] = []
    pages: dict[str, str] = {}
    for look in LOOKS:
        context = browser.new_context(
            viewport={"width": look.width, "height": look.height},
            color_scheme=look.scheme,
            device_scale_factor=1,
        )
        page = context.new_page()
        page.on("pageerror", lambda error, look=look: complaints.append(f"{half} {look.name}: {error}"))
        page.on(
            "console",
            lambda message, look=look: (
                complaints.append(f"{half} {look.name}: {message.text} ({message.location.get('url')})")
                if message.type == "error" and not kept_out(message)
                else None
            ),
        )
        page.goto(f"{base}/ui/sign-in")
        page.screenshot(path=into / f"{half}-sign-in-{look.name}.png", full_page=True)
        sign_in(page, base, demo["web_user"], demo["web_password"])
        pages = pages or crawl(page, base)
        for name, address in pages.items():
            if only and only not in name:
                continue
            answer = page.goto(address)
            show_frames(page, look)
            page.screenshot(path=into / f"{half}-{name}-{look.name}.png", full_page=True)
            if answer is not None and answer.status >= 400:
                complaints.append(f"{half} {address}: status {answer.status}")
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wide > 0:
                complaints.append(f"{half} {name} {look.name}: {wide} px wider than the window")
        context.close()
    print(f"{half}: {len(pages)} pages in {len(LOOKS)} looks -> {into}", file=sys.stderr)
    return complaints


def shoot_mail(browser: Browser, home: Path, into: Path) -> list[str]:
    """The newest email of the outbox as a reader would see it, at two widths; nothing is fetched for it."""
    files = sorted((home / "outbox").glob("*/email/new/*"), key=lambda file: file.stat().st_mtime)
    if not files:
        return ["There is no email in the outbox."]
    message = BytesParser(policy=default).parsebytes(files[-1].read_bytes())
    part = message.get_body(preferencelist=("html",))
    if part is None:
        return [f"{files[-1].name} has no HTML part."]
    complaints = []
    for width in MAIL_WIDTHS:
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
        context.route("**/*", lambda route: route.abort())
        page = context.new_page()
        page.set_content(part.get_content())
        page.screenshot(path=into / f"mail-{width}.png", full_page=True)
        box = page.locator("body").bounding_box()
        if box is None or box["width"] > width:
            complaints.append(f"The email is wider than {width} px.")
        context.close()
    print(
        f"mail: {message['Subject']} at {' and '.join(map(str, MAIL_WIDTHS))} px -> {into}", file=sys.stderr
    )
    return complaints


def main() -> int:
    """Take them all; 1 if a page complained."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="a home with demo.json")
    parser.add_argument("--into", type=Path, default=Path("shots"))
    parser.add_argument("--half", choices=["planner", "messenger"], action="append")
    parser.add_argument("--only", default="", help="only pages whose name holds this")
    options = parser.parse_args()
    demo = json.loads((options.home / "demo.json").read_text())
    chromium = shutil.which("chromium")
    if chromium is None:
        print("No chromium on PATH. Install it: apt-get install chromium", file=sys.stderr)
        return 2
    options.into.mkdir(parents=True, exist_ok=True)
    bases = {
        "planner": demo["planner_url"].rstrip("/"),
        "messenger": demo["messenger_url"].removesuffix("/rest"),
    }
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        for half in options.half or bases:
            complaints += shoot(browser, bases[half], half, demo, options.into, options.only)
        if "messenger" in (options.half or bases):
            complaints += shoot_mail(browser, options.home, options.into)
        browser.close()
    for complaint in dict.fromkeys(complaints):
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
