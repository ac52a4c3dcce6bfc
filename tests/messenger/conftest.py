"""A house that can send, built once per file, and a way out that keeps what leaves. A file may have its own instead."""

import pytest
from tests.fixtures.sendings import create_house

from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender


@pytest.fixture(scope="module")
def kept_house(keep):
    return keep(lambda _: create_house())


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept_house.take(settings, tmp_path)


@pytest.fixture
def memory(monkeypatch):
    """Everything leaves into this provider."""
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    return provider
