"""The messenger's pages in Chromium, light, dark and on a phone: no error, no bad status, nothing too wide."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]
PASSWORD = "a long enough password"


def load_shots():
    path = Path(__file__).resolve().parents[3] / "tools" / "shots.py"
    spec = importlib.util.spec_from_file_location("shots", path)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["shots"] = module
    spec.loader.exec_module(module)
    return module


def test_every_page_shows_without_complaint(live_server, settings, tmp_path, monkeypatch):
    if settings.TANDEM_HALF != "messenger":
        pytest.skip("the messenger's pages")
    from playwright.sync_api import sync_playwright
    from tests.fixtures.sendings import create_contacts, create_house, create_sending

    from tandem.messenger.accounts import service as accounts

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    house = create_house()
    accounts.create_user(house.account_id, email="ann@northwind.example", password=PASSWORD)
    create_sending(house, create_contacts(house, 3))
    shots = load_shots()
    into = Path(os.environ.get("SHOTS_INTO", tmp_path))
    into.mkdir(parents=True, exist_ok=True)
    demo = {"web_user": "ann@northwind.example", "web_password": PASSWORD}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=shots.BROWSER_FLAGS
        )
        complaints = shots.shoot(browser, live_server.url, "messenger", demo, into, "")
        browser.close()
    assert complaints == []
    assert (into / "messenger-sendings-id-dark.png").stat().st_size > 5000
