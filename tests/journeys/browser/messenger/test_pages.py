"""The messenger's pages in Chromium: nothing complains, nothing is too wide, no barrier that axe knows."""

from email.message import EmailMessage

import pytest
from tests.fixtures.browser import PASSWORD, look_at_all, marks, open_browser
from tests.fixtures.sendings import create_contacts, create_house, create_sending

from tandem.messenger.accounts import service as accounts

pytestmark = [*marks, pytest.mark.django_db(transaction=True)]
USER = "ann@northwind.example"


def test_every_page_can_be_looked_at_in_every_way(live_server, settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.TANDEM_HOME = tmp_path
    house = create_house()
    accounts.create_user(house.account_id, email=USER, password=PASSWORD)
    create_sending(house, create_contacts(house, 3))
    box = tmp_path / "outbox" / str(house.account_id) / "email" / "new"
    box.mkdir(parents=True)
    mail = EmailMessage()
    mail["Subject"], mail["To"], mail["From"] = "A cup is waiting", "c1@example.net", "hello@shop.example"
    mail.set_content("plain words")
    mail.add_alternative("<p>words in a paragraph</p>", subtype="html")
    (box / "1.1.tandem").write_bytes(bytes(mail))

    with open_browser() as browser:
        found = look_at_all(browser, live_server.url, USER)
    assert not found, "\n".join(found)
